/** What bears our label on a Docker Engine and belongs to nobody. */
import { Effect } from "effect"
import type { Engine } from "../Engine.ts"
import type { Belongings, Leftover, Leftovers } from "../Leftovers.ts"
import type { RuntimeError } from "../RuntimeError.ts"
import * as Container from "./Container.ts"
import { patiently } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { label, networkName } from "./labels.ts"
import * as Network from "./Network.ts"
import * as Template from "./Template.ts"
import { templateContainers, templateNames } from "./templates.ts"
import * as Volume from "./Volume.ts"

const nameOf = (names: ReadonlyArray<string>): string => (names[0] ?? "").replace(/^\//, "")

const containers = (host: DockerHost, { servers }: Belongings) =>
  host.client
    .call("list containers", (docker) =>
      docker.listContainers({ all: true, filters: { label: [`${label.instance}=${host.instance}`] } })
    )
    .pipe(
      Effect.map((all) =>
        all.flatMap((info): ReadonlyArray<Leftover> => {
          const role = info.Labels[label.role]
          const name = nameOf(info.Names)
          if (role === "kept" && !name.startsWith("berth-adopted-")) return []
          if (role !== "server" && role !== "kept") return []
          // A container that holds adopted data still bears the label of the server that the data was of.
          const id = name.replace(/^berth-(adopted-)?/, "")
          return servers.has(id) ? [] : [{ kind: "container", name, why: `No database has the id ${id}.` }]
        })
      )
    )

const volumes = (host: DockerHost, { servers }: Belongings) =>
  Effect.gen(function* () {
    const mine = { dangling: ["true"], label: [`${label.instance}=${host.instance}`] }
    const { Volumes } = yield* host.client.call("list volumes", (docker) => docker.listVolumes({ filters: mine }))
    return (Volumes ?? []).flatMap(({ Name, Labels }): ReadonlyArray<Leftover> => {
      const role = Labels?.[label.role]
      const id = Labels?.[label.server] ?? ""
      if (role === "template") return [{ kind: "volume", name: Name, why: "Its template was never finished." }]
      if (role !== "data" || servers.has(id)) return []
      return [
        { kind: "volume", name: Name, why: `No database has the id ${id}, and its data was not kept on purpose.` }
      ]
    })
  })

const networks = (host: DockerHost, belongings: Belongings) =>
  host.client
    .call("list networks", (docker) =>
      docker.listNetworks({ filters: { label: [`${label.instance}=${host.instance}`] } })
    )
    .pipe(
      Effect.map((all) =>
        all.flatMap(({ Name, Labels }): ReadonlyArray<Leftover> => {
          const id = Labels?.[label.network] ?? ""
          if (belongings.networks.has(id)) return []
          return [{ kind: "network", name: Name, why: `No environment has the id ${id}.` }]
        })
      )
    )

const templates = Effect.fnUntraced(function* (host: DockerHost, engines: ReadonlyArray<Engine>) {
  const current = yield* templateNames(host, engines)
  const found = yield* templateContainers(host)
  return found.flatMap(({ name, isRunning, users }): ReadonlyArray<Leftover> => {
    if (isRunning || users > 0 || current.has(name)) return []
    const why = Template.isHalfMade(name) ? "It was left half-made." : "No engine makes servers from it any more."
    return [{ kind: "template", name, why }]
  })
})

const find = Effect.fnUntraced(function* (host: DockerHost, belongings: Belongings) {
  return [
    ...(yield* containers(host, belongings)),
    ...(yield* volumes(host, belongings)),
    ...(yield* networks(host, belongings)),
    ...(yield* templates(host, belongings.engines))
  ]
})

const removeOne = (host: DockerHost, { kind, name }: Leftover): Effect.Effect<void, RuntimeError> => {
  switch (kind) {
    case "container":
      return Container.find(host, name).pipe(
        Effect.flatMap((info) => {
          if (info === undefined) return Effect.void
          // Its data belongs to nobody either, and nothing would name it any more.
          const volume = info.Config.Labels[label.volume]
          return Container.remove(host, info.Id).pipe(
            Effect.andThen(volume === undefined ? Effect.void : Effect.asVoid(Volume.remove(host, volume)))
          )
        })
      )
    case "volume":
      return Effect.asVoid(Volume.remove(host, name))
    case "network":
      return Network.removeIfUnused(host, name.slice(networkName("").length))
    case "template":
      return Template.remove(host, name)
  }
}

/** Networks come last: a container that is in one holds it. */
const order: Readonly<Record<Leftover["kind"], number>> = { container: 0, volume: 1, template: 2, network: 3 }

export const leftovers = (host: DockerHost): Leftovers => ({
  find: (belongings) => find(host, belongings),
  remove: (all) =>
    Effect.forEach(
      [...all].sort((one, other) => order[one.kind] - order[other.kind]),
      (leftover) => patiently(removeOne(host, leftover)),
      { discard: true }
    )
})
