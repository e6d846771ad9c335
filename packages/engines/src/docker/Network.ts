/** The network of an environment: a bridge of its own, in which a database answers under its own name. */
import { access } from "node:fs/promises"
import { Effect, Semaphore } from "effect"
import { fail, HostFailed, NotOurs, type RuntimeError } from "../RuntimeError.ts"
import { expecting, statusOf } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { label, networkName } from "./labels.ts"
import { freeSubnet } from "./subnet.ts"

export interface Network {
  readonly id: string
  readonly name: string
}

/** All of this name: two that are asked for at the same moment may both be made. The oldest, which all agree on, is first. */
const find = (host: DockerHost, name: string) =>
  host.client
    .call("look at a network", (docker) => docker.listNetworks({ filters: { name: [name] } }))
    .pipe(
      Effect.map((all) =>
        all
          .filter((network) => network.Name === name)
          .sort((one, other) => one.Created.localeCompare(other.Created) || one.Id.localeCompare(other.Id))
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

/** 403: a container is in it. */
const removeById = (host: DockerHost, id: string) =>
  host.client.call("remove a network", (docker) =>
    expecting(
      [403, 404],
      () => docker.getNetwork(id).remove(),
      () => undefined
    )
  )

const ensureAlone = Effect.fnUntraced(function* (host: DockerHost, environment: string) {
  const name = networkName(environment)
  let found = yield* find(host, name)
  if (found.length === 0) {
    yield* makeSomehow(host, name, environment)
    found = yield* find(host, name)
  }
  const [network, ...others] = found
  if (network === undefined) {
    const detail = `${name} was removed while it was made`
    return yield* Effect.fail(fail(new HostFailed({ action: "make a network", detail, isRetryable: true })))
  }
  if (network.Labels?.[label.instance] !== host.instance) {
    return yield* Effect.fail(
      fail(new NotOurs({ folder: `The network ${name}`, found: "it does not bear the label of this Berth" }))
    )
  }
  yield* Effect.forEach(others, ({ Id }) => removeById(host, Id), { discard: true })
  const made: Network = { id: network.Id, name }
  return made
})

/** One at a time for each network: the engine itself does not see to it that a name is given once. */
export const ensure = (host: DockerHost, environment: string): Effect.Effect<Network, RuntimeError> =>
  Effect.suspend(() => {
    const lock = host.memory.networks.get(environment) ?? Semaphore.makeUnsafe(1)
    host.memory.networks.set(environment, lock)
    return lock.withPermit(ensureAlone(host, environment))
  })

/** Removes the network unless a container, running or not, is still meant to be in it. */
export const removeIfUnused = Effect.fnUntraced(function* (host: DockerHost, environment: string) {
  const found = yield* find(host, networkName(environment))
  for (const { Id, Labels } of found) {
    if (Labels?.[label.instance] !== host.instance) continue
    const users = yield* host.client.call("list a network's containers", (docker) =>
      docker.listContainers({ all: true, filters: { network: [Id] } })
    )
    if (users.length === 0) yield* removeById(host, Id)
  }
})

/** Whether the network's bridge is an interface of this machine, so that its containers can be reached from here. */
export const isLocal = Effect.fnUntraced(function* (host: DockerHost, environment: string) {
  if (host.reach !== "auto") return host.reach === "address"
  if (host.memory.isLocal !== undefined) return host.memory.isLocal
  const { id } = yield* ensure(host, environment)
  const found = yield* Effect.tryPromise(() => access(`/sys/class/net/br-${id.slice(0, 12)}`)).pipe(Effect.isSuccess)
  host.memory.isLocal = found
  return found
})
