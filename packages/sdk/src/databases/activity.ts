/** What goes on at a database: who connected, from its server's own log, and how its health checks went. */
import type { ConnectionEvent, RuntimeError } from "@berth/engines"
import { Context, Effect, Layer, Stream } from "effect"
import { NotDeployed } from "../credentials/NotDeployed.ts"
import { Hosts, type HostUnknown } from "../hosts/hosts.ts"
import { type Probe, Probes } from "../probes/probes.ts"
import type { InvalidInput } from "../schema/InvalidInput.ts"
import type { StoreFailed } from "../store/StoreError.ts"
import type { DatabaseNotFound } from "./Database.ts"
import { DatabaseStore } from "./DatabaseStore.ts"
import { Engines } from "./Engines.ts"

/** Lines of the server's log that are read for connections. */
const readLines = 2_000

export interface ActivityOptions {
  /** How many connection events at most, the newest ones. Default: 100. */
  readonly limit?: number
}

export interface Activity {
  /** Attempts and authentications, oldest first. Empty where the engine's log does not tell of them. */
  readonly connections: ReadonlyArray<ConnectionEvent & { readonly at: Date }>
  /** The last health checks, oldest first. */
  readonly probes: ReadonlyArray<Probe>
}

export class ActivityOf extends Context.Service<
  ActivityOf,
  {
    readonly get: (
      database: string,
      options?: ActivityOptions
    ) => Effect.Effect<
      Activity,
      DatabaseNotFound | HostUnknown | InvalidInput | NotDeployed | RuntimeError | StoreFailed
    >
  }
>()("@berth/sdk/ActivityOf") {
  static readonly layer: Layer.Layer<ActivityOf, never, DatabaseStore | Engines | Hosts | Probes> = Layer.effect(
    ActivityOf,
    Effect.gen(function* () {
      const databases = yield* DatabaseStore
      const engines = yield* Engines
      const hosts = yield* Hosts
      const probes = yield* Probes
      return ActivityOf.of({
        get: Effect.fn("Activity.get")(function* (id, { limit = 100 } = {}) {
          const database = yield* databases.get(id)
          if (database.phase === "created" || database.phase === "failed") {
            return yield* new NotDeployed({ database: database.name })
          }
          const engine = yield* engines.get(database.engine)
          const runtime = yield* hosts.runtime(database.host)
          const connections = yield* runtime.logs(id, { tail: readLines }).pipe(
            Stream.runCollect,
            Effect.map((lines) =>
              lines.flatMap(({ at, text }) => {
                const event = engine.connection?.(text)
                return event === undefined ? [] : [{ ...event, at }]
              })
            )
          )
          const newest = connections.slice(Math.max(0, connections.length - limit))
          return { connections: newest, probes: probes.of(id) }
        })
      })
    })
  )
}
