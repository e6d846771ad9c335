/** The end of a server: everything of it, or everything but its data. */
import { Duration, Effect } from "effect"
import type { RemoveOptions } from "../Runtime.ts"
import { fail, HostFailed, type RuntimeError } from "../RuntimeError.ts"
import * as Container from "./Container.ts"
import { type ContainerInfo, expecting } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import * as Kept from "./Kept.ts"
import { adoptedName, keptName, type Labels, label, serverName } from "./labels.ts"
import * as Network from "./Network.ts"
import * as Volume from "./Volume.ts"

/** Beyond the grace period: the engine kills the server then, and answers when it is dead. */
const killMargin = Duration.seconds(20)

/** Ends the server the way its engine asks for. The policy goes first: a server that is to stop must not come back. */
export const stop = (host: DockerHost, info: ContainerInfo): Effect.Effect<void, RuntimeError> => {
  const grace = Duration.seconds(Number(info.Config.Labels[label.grace] ?? 10))
  return host.client.call(
    "stop a container",
    async (docker) => {
      const container = docker.getContainer(info.Id)
      await container.update({ RestartPolicy: { Name: "no" } })
      await expecting(
        [304, 404],
        () => container.stop({ t: Math.ceil(Duration.toSeconds(grace)) }),
        () => undefined
      )
    },
    Duration.sum(grace, killMargin)
  )
}

const removeVolume = (host: DockerHost, name: string) =>
  Effect.gen(function* () {
    const volume = yield* Volume.find(host, name)
    if (volume === undefined || volume.Labels?.[label.instance] !== host.instance) return
    if (yield* Volume.remove(host, name)) return
    // Another server has taken the data over.
    if ((yield* Volume.users(host, name)).every(({ isOurs }) => isOurs)) return
    const detail = `a container that is not Berth's uses the volume ${name}`
    return yield* Effect.fail(fail(new HostFailed({ action: "remove a volume", detail, isRetryable: false })))
  })

export const remove = Effect.fnUntraced(function* (host: DockerHost, id: string, options: RemoveOptions) {
  const server = yield* Container.find(host, serverName(id))
  const adopted = yield* Container.find(host, adoptedName(id))
  const volume = adopted?.Config.Labels[label.volume] ?? serverName(id)
  const labels: Labels = server?.Config.Labels ?? (yield* Volume.find(host, volume))?.Labels ?? {}
  const isKept = (yield* Container.find(host, keptName(id))) !== undefined
  if (options.keepData === true && !isKept) {
    if (server !== undefined) yield* stop(host, server)
    yield* Kept.keep(host, id, volume, labels)
  }
  if (server !== undefined) yield* Container.remove(host, server.Id)
  const network = labels[label.network]
  if (network !== undefined) yield* Network.removeIfUnused(host, network)
  if (adopted !== undefined) yield* Container.remove(host, adopted.Id)
  // The volume goes last: it bears the labels by which a removal that was cut short goes on. What was kept is removed by
  // `purge` only, also when the removal runs again and asks for no more.
  if (options.keepData !== true && !isKept) yield* removeVolume(host, volume)
})
