/**
 * The runtime `docker`: servers are containers of a Docker Engine, from the official images. Each environment has a
 * bridge network of its own, in which a database answers under its own name; nothing is published beyond loopback.
 * Opening it asks nothing of the engine, so that a Berth whose engine is away can say so.
 */
import { randomBytes } from "node:crypto"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { isIP } from "node:net"
import { join } from "node:path"
import { Effect, Semaphore, Stream } from "effect"
import type { Host, Runtime, ServerFound, ServerSpec } from "../Runtime.ts"
import { fail, HostFailed, type RuntimeError, ServerMissing } from "../RuntimeError.ts"
import * as Container from "./Container.ts"
import { check } from "./check.ts"
import { type ContainerInfo, connect, type Endpoint, patiently } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import * as Image from "./Image.ts"
import { keptData } from "./Kept.ts"
import { leftovers } from "./Leftovers.ts"
import { adoptedName, callerLabels, keptName, label, serverName } from "./labels.ts"
import { lastLinesOf, read } from "./logs.ts"
import { remove, stop } from "./Removal.ts"
import * as Server from "./Server.ts"
import { isEnded, stateOf } from "./state.ts"
import * as Template from "./Template.ts"
import * as Volume from "./Volume.ts"
import { vitals } from "./vitals.ts"

export interface DockerOptions {
  /** Unique among the hosts of a Berth. Default: `docker`. */
  readonly name?: string
  /**
   * Where the engine listens: `unix:///var/run/docker.sock` or `tcp://10.0.0.5:2376`. Default: what `DOCKER_HOST`,
   * `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` say, and otherwise the local socket.
   */
  readonly url?: string
  /** For an engine that asks for certificates, each as PEM text. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /**
   * How Berth itself reaches a server. `address`: by the container's own address; `published`: by a port published on
   * `publishOn`. Default: `auto`, by the address where the engine's bridges are interfaces of this machine.
   */
  readonly reach?: "auto" | "address" | "published"
  /** An address of the engine's machine, not a wildcard. Default: `127.0.0.1`. */
  readonly publishOn?: string
  /** Which Berth owns what is found on the engine. Default: drawn once and kept in the host's folder. */
  readonly instance?: string
}

const invalid = (detail: string): RuntimeError =>
  fail(new HostFailed({ action: "be used", detail, isRetryable: false }))

const endpointOf = (options: DockerOptions): Effect.Effect<Endpoint, RuntimeError> =>
  Effect.gen(function* () {
    if (options.url === undefined) return { ...options.tls }
    const url = URL.parse(options.url)
    if (url?.protocol === "unix:") return { socketPath: decodeURIComponent(url.pathname) }
    if (url?.protocol !== "tcp:" || url.hostname === "") {
      return yield* Effect.fail(invalid(`its url "${options.url}" is none of unix:///path and tcp://host:port`))
    }
    const protocol = options.tls === undefined ? "http" : "https"
    const port = url.port === "" ? (options.tls === undefined ? 2375 : 2376) : Number(url.port)
    return { host: url.hostname, port, protocol, ...options.tls }
  })

/** The id of this Berth, the same for as long as its data directory lives. */
const instanceOf = (folder: string): Effect.Effect<string, RuntimeError> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const file = join(folder, "instance")
      // The first of two writers wins, and the second reads what the first wrote.
      await writeFile(file, randomBytes(8).toString("hex"), { flag: "wx", mode: 0o600 }).catch((cause) =>
        cause.code === "EEXIST" ? undefined : Promise.reject(cause)
      )
      return (await readFile(file, "utf8")).trim()
    },
    catch: (cause) => invalid(`${folder}: ${String(cause)}`)
  })

const open = Effect.fnUntraced(function* (options: DockerOptions, name: string, folder: string) {
  const publishOn = options.publishOn ?? "127.0.0.1"
  if (isIP(publishOn) === 0 || /^[0:.]+$/.test(publishOn)) {
    return yield* Effect.fail(invalid(`ports cannot be published on "${publishOn}"; name one address`))
  }
  const endpoint = yield* endpointOf(options)
  const elsewhere = options.url ?? process.env.DOCKER_HOST
  const host: DockerHost = {
    client: connect(name, endpoint),
    isLocalSocket: process.platform === "linux" && (elsewhere === undefined || elsewhere.startsWith("unix:")),
    instance: options.instance ?? (yield* instanceOf(folder)),
    publishOn,
    reach: options.reach ?? "auto",
    memory: { users: new Map(), files: new Map(), networks: new Map(), isLocal: undefined }
  }
  return yield* make(host)
})

const make = Effect.fnUntraced(function* (host: DockerHost) {
  // Deploys of one version that come together wait for one template instead of racing for it.
  const preparing = yield* Semaphore.make(1)

  const ensureTemplate = (spec: ServerSpec, image: Image.Image, progress: Parameters<Runtime["prepare"]>[1]) =>
    Server.planOf(spec).pipe(
      Effect.flatMap((plan) => preparing.withPermit(Template.ensure(host, spec, plan, image, progress)))
    )

  const foundOf = Effect.fnUntraced(function* (info: ContainerInfo) {
    const labels = info.Config.Labels
    const lastLines = isEnded(info) ? yield* lastLinesOf(host, info.Id) : []
    const found: ServerFound = {
      id: labels[label.server] ?? "",
      labels: callerLabels(labels),
      state: stateOf(info, lastLines),
      image: { reference: labels[label.reference] ?? "", digest: labels[label.image] ?? "" }
    }
    return found
  })

  /** Data without a container is a server that somebody removed; a start makes its container anew. */
  const bereft = Effect.fnUntraced(function* (id: string) {
    if ((yield* Container.find(host, keptName(id))) !== undefined) return undefined
    const volume = yield* Volume.find(host, yield* Server.volumeOf(host, id))
    if (volume === undefined || volume.Labels?.[label.instance] !== host.instance) return undefined
    // Data that another server has taken over is not this one's any more.
    if ((yield* Volume.users(host, volume.Name)).some(({ name }) => name !== adoptedName(id))) return undefined
    const how = "its container was removed; its data is still there"
    const found: ServerFound = {
      id,
      labels: callerLabels(volume.Labels),
      state: { _tag: "Ended", ending: { how, lastLines: [] } }
    }
    return found
  })

  const server = (id: string) =>
    Container.find(host, serverName(id)).pipe(
      Effect.flatMap((info) =>
        info === undefined ? Effect.fail(fail(new ServerMissing({ server: id }))) : Effect.succeed(info)
      )
    )

  const inspect = Effect.fnUntraced(function* (id: string) {
    const info = yield* Container.find(host, serverName(id))
    return info === undefined ? yield* bereft(id) : yield* foundOf(info)
  })

  const list = Effect.gen(function* () {
    const filters = { label: [`${label.instance}=${host.instance}`, `${label.role}=server`] }
    const containers = yield* host.client.call("list containers", (docker) =>
      docker.listContainers({ all: true, filters })
    )
    const ids = containers.flatMap(({ Labels }) => Labels[label.server] ?? [])
    const data = { label: [`${label.instance}=${host.instance}`, `${label.role}=data`] }
    const { Volumes } = yield* host.client.call("list volumes", (docker) => docker.listVolumes({ filters: data }))
    const withData = (Volumes ?? []).flatMap(({ Labels }) => Labels?.[label.server] ?? [])
    const all = yield* Effect.forEach(new Set([...ids, ...withData]), inspect, { concurrency: 8 })
    return all.filter((found) => found !== undefined)
  })

  const runtime: Runtime = {
    kind: "docker",

    prepare: (spec, progress) =>
      patiently(
        Effect.gen(function* () {
          yield* Server.planOf(spec)
          const image = yield* Image.ensure(host, Image.referenceOf(spec), progress)
          yield* progress(`Using the image ${image.reference}, ${image.digest}`)
          yield* ensureTemplate(spec, image, progress)
        })
      ),

    create: (spec, progress) =>
      patiently(
        Effect.gen(function* () {
          const image = yield* Image.ensure(host, Image.referenceOf(spec), progress)
          const template = yield* ensureTemplate(spec, image, progress)
          yield* progress("Making the container and its volume")
          yield* Server.create(host, { spec, image, ...(template === undefined ? {} : { template }) })
        })
      ),

    start: (spec) => patiently(Server.start(host, spec)),

    stop: (spec) =>
      patiently(
        Container.find(host, serverName(spec.id)).pipe(
          Effect.flatMap((info) => {
            if (info !== undefined) return stop(host, info)
            return bereft(spec.id).pipe(
              Effect.flatMap((left) =>
                left === undefined ? Effect.fail(fail(new ServerMissing({ server: spec.id }))) : Effect.void
              )
            )
          })
        )
      ),

    remove: (id, options = {}) => patiently(remove(host, id, options)),

    refresh: (spec) => patiently(server(spec.id).pipe(Effect.flatMap((info) => Server.putFiles(host, spec, info)))),

    inspect,
    list,

    logs: (id, options) =>
      Stream.unwrap(server(id).pipe(Effect.map((info) => read(host, info.Name.replace(/^\//, ""), options)))),

    dataFolder: (id) => server(id).pipe(Effect.map((info) => info.Config.Labels[label.data] ?? "")),

    internalAddress: (spec, endpoint) => {
      const found = spec.engine.endpoints.find(({ name }) => name === endpoint)
      if (found !== undefined) return Effect.succeed({ host: spec.name, port: found.port })
      const detail = `${spec.engine.label} has no endpoint "${endpoint}"`
      return Effect.fail(fail(new HostFailed({ action: "tell an address", detail, isRetryable: false })))
    },

    administration: (engine) => engine.administration,

    vitals: (id) => server(id).pipe(Effect.flatMap((info) => vitals(host, info))),
    check: (need) => check(host, need),
    kept: keptData(host),
    leftovers: leftovers(host)
  }
  return runtime
})

/** A Docker Engine as a host. */
export const docker = (options: DockerOptions = {}): Host => {
  const name = options.name ?? "docker"
  return { name, kind: "docker", open: ({ folder }) => open(options, name, folder) }
}
