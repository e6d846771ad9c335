/** The network of an environment: a bridge of its own, in which a database answers under its own name. */
import { access } from "node:fs/promises"
import { Effect } from "effect"
import { fail, HostFailed, NotOurs } from "../RuntimeError.ts"
import { expecting, statusOf } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { label, networkName } from "./labels.ts"
import { freeSubnet } from "./subnet.ts"

export interface Network {
  readonly id: string
  readonly name: string
}

const inspect = (host: DockerHost, name: string) =>
  host.client.call("look at a network", (docker) =>
    expecting(
      [404],
      () => docker.getNetwork(name).inspect(),
      () => undefined
    )
  )

/** The engine gives about thirty networks a subnet from its own pools. Beyond that, we choose one. */
const noPoolLeft = /non-overlapping|fully subnetted/i

const make = (host: DockerHost, name: string, environment: string, subnet: string | undefined) =>
  host.client.call("make a network", (docker) =>
    docker
      .createNetwork({
        Name: name,
        Driver: "bridge",
        CheckDuplicate: true,
        Labels: { [label.instance]: host.instance, [label.role]: "network", [label.network]: environment },
        ...(subnet === undefined ? {} : { IPAM: { Driver: "default", Config: [{ Subnet: subnet }] } })
      })
      .then(
        () => "made" as const,
        (cause: unknown) => {
          // Somebody was quicker; whether it was us, the next look tells.
          if (statusOf(cause) === 409) return "made" as const
          return cause instanceof Error && (noPoolLeft.test(cause.message) || /overlaps/i.test(cause.message))
            ? ("no subnet" as const)
            : Promise.reject(cause)
        }
      )
  )

const subnetsInUse = (host: DockerHost) =>
  host.client
    .call("list networks", (docker) => docker.listNetworks())
    .pipe(
      Effect.map((all) =>
        all.flatMap(
          (network) => network.IPAM?.Config?.flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet])) ?? []
        )
      )
    )

const attempts = 5

const makeSomehow = Effect.fnUntraced(function* (host: DockerHost, name: string, environment: string) {
  if ((yield* make(host, name, environment, undefined)) === "made") return
  // Another Berth, or somebody else, may take the same subnet between the look and the making.
  for (let attempt = 0; attempt < attempts; attempt++) {
    const subnet = freeSubnet(yield* subnetsInUse(host))
    if (subnet === undefined) break
    if ((yield* make(host, name, environment, subnet)) === "made") return
  }
  const detail = "no range of addresses is left for it; remove networks that nobody uses"
  return yield* Effect.fail(fail(new HostFailed({ action: "make a network", detail, isRetryable: false })))
})

export const ensure = Effect.fnUntraced(function* (host: DockerHost, environment: string) {
  const name = networkName(environment)
  const found = yield* inspect(host, name)
  if (found === undefined) yield* makeSomehow(host, name, environment)
  const network = found ?? (yield* inspect(host, name))
  if (network === undefined) {
    const detail = `${name} was removed while it was made`
    return yield* Effect.fail(fail(new HostFailed({ action: "make a network", detail, isRetryable: true })))
  }
  if (network.Labels?.[label.instance] !== host.instance) {
    return yield* Effect.fail(
      fail(new NotOurs({ folder: `The network ${name}`, found: "it does not bear the label of this Berth" }))
    )
  }
  return { id: network.Id, name }
})

/** Removes the network unless a container, running or not, is still meant to be in it. */
export const removeIfUnused = Effect.fnUntraced(function* (host: DockerHost, environment: string) {
  const name = networkName(environment)
  const found = yield* inspect(host, name)
  if (found === undefined || found.Labels?.[label.instance] !== host.instance) return
  const users = yield* host.client.call("list a network's containers", (docker) =>
    docker.listContainers({ all: true, filters: { network: [found.Id] } })
  )
  if (users.length > 0) return
  // 403: a container came into it in between, which is as good a reason to leave it.
  yield* host.client.call("remove a network", (docker) =>
    expecting(
      [403, 404],
      () => docker.getNetwork(found.Id).remove(),
      () => undefined
    )
  )
})

/** Whether the network's bridge is an interface of this machine, so that its containers can be reached from here. */
export const isLocal = (host: DockerHost, network: Network): Effect.Effect<boolean> => {
  if (host.reach !== "auto") return Effect.succeed(host.reach === "address")
  return Effect.tryPromise(() => access(`/sys/class/net/br-${network.id.slice(0, 12)}`)).pipe(Effect.isSuccess)
}
