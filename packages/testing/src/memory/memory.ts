/**
 * The runtime `memory`: servers that exist only in memory and behave as real ones do, with the same states, the same
 * errors and the same kind of log. They live in the host value, so they outlive a `Berth` that was closed and opened
 * again with the same host, and end with the process. They speak no protocol: `session` is how a test uses one.
 */
import {
  type Address,
  type Administration,
  DiskFull,
  type EngineError,
  type Host,
  HostUnreachable,
  type LogLine,
  PortTaken,
  type Runtime,
  RuntimeError,
  type RuntimeErrorReason,
  type ServerFound,
  ServerMissing,
  type ServerSpec,
  type ServerState,
  type Target
} from "@berth/engines"
import { Clock, Effect, Redacted, Stream } from "effect"
import { login, MemoryServer } from "./MemoryServer.ts"

/** Nothing listens there, so nothing can be reached by mistake. */
const host = "memory.invalid"
const firstPort = 20_000
const followEvery = "50 millis"

/** What a test can use of a server, as an app that has the connection details. */
export interface MemorySession {
  readonly put: (key: string, value: string) => Promise<void>
  readonly get: (key: string) => Promise<string | undefined>
}

export interface SessionDetails {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly database: string
}

export interface MemoryHost extends Host {
  /** Logs in as an app does. Rejects with the engine's own errors. */
  readonly session: (details: SessionDetails) => Promise<MemorySession>
  /** Ends a server behind Berth's back. `how` defaults to `killed by SIGKILL`. */
  readonly crash: (id: string, how?: string) => void
  /** Removes a server behind Berth's back. */
  readonly vanish: (id: string) => void
  /** The host stops or begins again to answer. */
  readonly setReachable: (reachable: boolean) => void
  /** The host's disk is full, or has room again. */
  readonly setFull: (full: boolean) => void
  /** Another program takes the server's port, or gives it back. */
  readonly setPortTaken: (id: string, taken: boolean) => void
  /** Ids of everything that is there. */
  readonly servers: () => ReadonlyArray<string>
}

const failWith = (reason: RuntimeErrorReason) => Effect.fail(new RuntimeError({ reason }))

const now = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis))

const stateOf = ({ state, ports }: MemoryServer): ServerState => {
  if (state._tag === "Created") return { _tag: "Stopped" }
  if (state._tag !== "Running") return state
  const addresses = Object.entries(ports).map(([name, port]) => [name, { host, port }])
  return { ...state, addresses: Object.fromEntries(addresses) }
}

/** A Host whose servers exist only in memory. `name` defaults to `memory`. */
export const memory = (options: { readonly name?: string } = {}): MemoryHost => {
  const servers = new Map<string, MemoryServer>()
  const taken = new Set<string>()
  /** Id of the server by port; ports are not given twice. */
  const owners = new Map<number, string>()
  let nextPort = firstPort
  let reachable = true
  let full = false

  const answering = Effect.suspend(() =>
    reachable
      ? Effect.void
      : failWith(
          new HostUnreachable({ host: options.name ?? "memory", action: "answer", detail: "it was told not to" })
        )
  )
  const withRoom = Effect.suspend(() => (full ? failWith(new DiskFull({ folder: "memory" })) : Effect.void))

  const find = (id: string) =>
    answering.pipe(
      Effect.flatMap(() => {
        const server = servers.get(id)
        return server === undefined ? failWith(new ServerMissing({ server: id })) : Effect.succeed(server)
      })
    )

  const byPort = (port: number) => [...servers.values()].find((server) => Object.values(server.ports).includes(port))

  const enter = (target: Target): Effect.Effect<MemoryServer, EngineError> =>
    Effect.flatMap(now, (at) => {
      const server = byPort(target.port)
      return login(server, target, at).pipe(Effect.as(server as MemoryServer))
    })

  const administration: Administration = {
    ping: (target) => Effect.asVoid(enter(target)),
    facts: (target) =>
      enter(target).pipe(Effect.map(({ spec }) => ({ version: spec.version, dataFolder: `/memory/${spec.id}` }))),
    createApp: Effect.fnUntraced(function* (admin, app) {
      const server = yield* enter(admin)
      server.users.set(app.username, { password: Redacted.value(app.password), database: app.database })
      if (!server.data.has(app.database)) server.data.set(app.database, new Map())
    }),
    write: (app) => Effect.asVoid(enter(app))
  }

  const stop = Effect.fnUntraced(function* (id: string) {
    const server = yield* find(id)
    if (server.state._tag === "Running") server.write(yield* now, "database system is shut down")
    server.state = { _tag: "Stopped" }
  })

  const lines = (id: string, follow: boolean): Stream.Stream<LogLine, RuntimeError> =>
    Stream.unwrap(
      Effect.map(find(id), (server) => {
        const past = Stream.fromIterable([...server.log])
        if (!follow) return past
        let seen = server.log.length
        const added = Effect.sync(() => {
          const more = server.log.slice(seen)
          seen = server.log.length
          return more
        })
        const live = Stream.fromEffectRepeat(Effect.delay(added, followEvery)).pipe(Stream.flattenIterable)
        return Stream.concat(past, live)
      })
    )

  const runtime: Runtime = {
    kind: "memory",
    prepare: () => Effect.andThen(answering, withRoom),
    create: Effect.fnUntraced(function* (spec: ServerSpec) {
      yield* Effect.andThen(answering, withRoom)
      if (servers.has(spec.id)) return
      const ports = Object.fromEntries(spec.engine.endpoints.map((endpoint) => [endpoint.name, nextPort++]))
      const server = new MemoryServer(spec, ports)
      const { username, password, database } = spec.admin
      server.users.set(username, { password: Redacted.value(password), database })
      servers.set(spec.id, server)
      for (const port of Object.values(ports)) owners.set(port, spec.id)
    }),
    start: Effect.fnUntraced(function* (spec: ServerSpec) {
      const server = yield* find(spec.id)
      if (server.state._tag === "Running") return
      if (taken.has(spec.id)) {
        const port = Object.values(server.ports)[0] ?? 0
        return yield* failWith(new PortTaken({ server: spec.id, host, port }))
      }
      const since = yield* now
      server.state = { _tag: "Running", since }
      server.write(since, "database system is ready to accept connections")
    }),
    stop: (spec) => stop(spec.id),
    remove: (id) =>
      Effect.andThen(
        answering,
        Effect.sync(() => void servers.delete(id))
      ),
    inspect: (id) =>
      Effect.map(answering, (): ServerFound | undefined => {
        const server = servers.get(id)
        return server === undefined ? undefined : { id, labels: server.spec.labels, state: stateOf(server) }
      }),
    list: Effect.map(answering, () =>
      [...servers.values()].map((server) => ({
        id: server.spec.id,
        labels: server.spec.labels,
        state: stateOf(server)
      }))
    ),
    logs: (id, { follow = false, tail, since }) => {
      const wanted = (all: boolean) =>
        since === undefined ? lines(id, all) : Stream.filter(lines(id, all), (line) => line.at >= since)
      if (tail === undefined) return wanted(follow)
      return Stream.unwrap(
        Stream.runCount(wanted(false)).pipe(
          Effect.map((count) => Stream.drop(wanted(follow), Math.max(0, count - tail)))
        )
      )
    },
    dataFolder: (id) => Effect.succeed(`/memory/${id}`),
    internalAddress: (spec, endpoint) =>
      find(spec.id).pipe(Effect.map(({ ports }): Address => ({ host, port: ports[endpoint] ?? 0 }))),
    administration: () => administration
  }

  return {
    name: options.name ?? "memory",
    kind: "memory",
    open: () => Effect.succeed(runtime),
    session: (details) => {
      const target: Target = { ...details, password: Redacted.make(details.password) }
      const database = () =>
        Effect.runPromise(enter(target)).then((server) => {
          const { database } = server.users.get(details.username) ?? details
          const inside = server.data.get(database) ?? new Map<string, string>()
          server.data.set(database, inside)
          return inside
        })
      return database().then(() => ({
        put: async (key, value) => void (await database()).set(key, value),
        get: async (key) => (await database()).get(key)
      }))
    },
    crash: (id, how = "killed by SIGKILL") => {
      const server = servers.get(id)
      if (server !== undefined) server.state = { _tag: "Ended", ending: { how, lastLines: server.lastLines() } }
    },
    vanish: (id) => void servers.delete(id),
    setReachable: (value) => {
      reachable = value
    },
    setFull: (value) => {
      full = value
    },
    setPortTaken: (id, value) => void (value ? taken.add(id) : taken.delete(id)),
    servers: () => [...servers.keys()]
  }
}
