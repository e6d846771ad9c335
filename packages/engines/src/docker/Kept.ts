/**
 * Data that outlives its server. A container that is never started names the volume and tells what it holds: a volume's
 * own labels cannot be changed, and the engine prunes volumes that no container names.
 */
import { Effect } from "effect"
import type { Kept, KeptData } from "../KeptData.ts"
import type { ServerSpec } from "../Runtime.ts"
import { fail, KeptDataUnfit, type RuntimeError } from "../RuntimeError.ts"
import * as Container from "./Container.ts"
import { type ContainerInfo, expecting, patiently } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { adoptedName, callerLabels, keptName, type Labels, label } from "./labels.ts"
import * as Volume from "./Volume.ts"

const now = Effect.clockWith((clock) => Effect.map(clock.currentTimeMillis, (millis) => new Date(millis)))

/** What is not there cannot be kept, and is no failure: the removal may be running again. */
export const keep = Effect.fnUntraced(function* (host: DockerHost, id: string, volume: string, labels: Labels) {
  const found = yield* Volume.find(host, volume)
  const reference = labels[label.reference]
  if (found === undefined || reference === undefined || found.Labels?.[label.instance] !== host.instance) return
  const at = yield* now
  yield* Container.create(host, {
    name: keptName(id),
    Image: reference,
    Labels: {
      ...labels,
      [label.server]: id,
      [label.role]: "kept",
      [label.volume]: volume,
      [label.at]: at.toISOString()
    },
    HostConfig: { NetworkMode: "none", Mounts: [{ Type: "volume", Source: volume, Target: "/kept", ReadOnly: true }] }
  })
})

const describe = (labels: Labels): Kept => ({
  id: labels[label.server] ?? "",
  name: labels[label.name] ?? "",
  engine: labels[label.engine] ?? "",
  version: labels[label.version] ?? "",
  keptAt: new Date(labels[label.at] ?? 0),
  labels: callerLabels(labels)
})

const list = (host: DockerHost): Effect.Effect<ReadonlyArray<Kept>, RuntimeError> =>
  host.client
    .call("list kept data", (docker) =>
      docker.listContainers({
        all: true,
        filters: { label: [`${label.instance}=${host.instance}`, `${label.role}=kept`] }
      })
    )
    .pipe(
      // What was taken over bears the same label, which cannot be changed, and another name.
      Effect.map((all) => all.filter(({ Names }) => Names.some((name) => name.startsWith(`/${keptName("")}`)))),
      Effect.map((all) => all.map((info) => describe(info.Labels)))
    )

const misfit = (kept: Kept, spec: ServerSpec): string | undefined => {
  if (kept.engine !== spec.engine.id) return `it is of the engine ${kept.engine}, and the database is ${spec.engine.id}`
  if (kept.version !== spec.version) return `it is of version ${kept.version}, and the database is ${spec.version}`
  return undefined
}

const rename = (host: DockerHost, info: ContainerInfo, name: string) =>
  host.client.call("hand over kept data", (docker) =>
    expecting(
      [404],
      () => docker.getContainer(info.Id).rename({ name }),
      () => undefined
    )
  )

const adopt = Effect.fnUntraced(function* (host: DockerHost, id: string, spec: ServerSpec) {
  const unfit = (problem: string) => Effect.fail(fail(new KeptDataUnfit({ kept: id, problem })))
  if ((yield* Container.find(host, adoptedName(spec.id))) !== undefined) return
  const info = yield* Container.find(host, keptName(id))
  if (info === undefined) return yield* unfit("it is not there; it was purged, or another database has taken it over")
  const problem = misfit(describe(info.Config.Labels), spec)
  if (problem !== undefined) return yield* unfit(problem)
  yield* rename(host, info, adoptedName(spec.id))
})

const purge = Effect.fnUntraced(function* (host: DockerHost, id: string) {
  const info = yield* Container.find(host, keptName(id))
  if (info === undefined) return
  const volume = info.Config.Labels[label.volume]
  yield* Container.remove(host, info.Id)
  if (volume !== undefined) yield* Volume.remove(host, volume)
})

export const keptData = (host: DockerHost): KeptData => ({
  list: list(host),
  adopt: (id, spec) => patiently(adopt(host, id, spec)),
  purge: (id) => patiently(purge(host, id))
})
