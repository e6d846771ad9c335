/** The server of a database: what its runtime has to know of it, and how it is reached. */
import {
  type Engine,
  type Login,
  type Runtime,
  RuntimeError,
  ServerEnded,
  ServerMissing,
  type ServerSpec,
  type Target
} from "@berth/engines"
import { Context, Effect, Layer } from "effect"
import { CredentialStore, type Logins } from "../credentials/CredentialStore.ts"
import { NotDeployed } from "../credentials/NotDeployed.ts"
import { Hosts, type HostUnknown } from "../hosts/hosts.ts"
import type { InvalidInput } from "../schema/InvalidInput.ts"
import type { KeyMismatch, StoreFailed } from "../store/StoreError.ts"
import type { Database } from "./Database.ts"
import { Engines } from "./Engines.ts"

/** A database with everything that its verbs need. */
export interface Server {
  readonly engine: Engine.Engine
  readonly runtime: Runtime
  readonly spec: ServerSpec
  readonly logins: Logins
}

export type ServerError = HostUnknown | InvalidInput | KeyMismatch | NotDeployed | StoreFailed

export class Servers extends Context.Service<
  Servers,
  {
    /** Needs the credentials that a deployment draws. */
    readonly of: (database: Database) => Effect.Effect<Server, ServerError>
    /** The same, read from the store by the first who asks, for the steps of one verb. */
    readonly once: (database: Database) => Effect.Effect<Effect.Effect<Server, ServerError>>
  }
>()("@berth/sdk/Servers") {
  static readonly layer: Layer.Layer<Servers, never, CredentialStore | Engines | Hosts> = Layer.effect(
    Servers,
    Effect.gen(function* () {
      const credentials = yield* CredentialStore
      const engines = yield* Engines
      const hosts = yield* Hosts
      const of = Effect.fnUntraced(function* (database: Database) {
        const engine = yield* engines.get(database.engine)
        const runtime = yield* hosts.runtime(database.host)
        const logins = yield* credentials.find(database.id)
        if (logins === undefined) return yield* new NotDeployed({ database: database.name })
        const limits = database.limits === undefined ? {} : { limits: database.limits }
        const spec: ServerSpec = {
          id: database.id,
          name: database.name,
          network: database.environment.id,
          engine,
          version: database.version,
          plan: engine.server({ version: database.version, admin: logins.admin, app: logins.app, ...limits }),
          admin: logins.admin,
          ...limits,
          labels: {
            owner: "berth",
            app: database.app.name,
            environment: database.environment.name,
            database: database.id
          }
        }
        return { engine, runtime, spec, logins }
      })
      return Servers.of({ of, once: (database) => Effect.cached(of(database)) })
    })
  )
}

/** The primary endpoint as the given login reaches it from here. Fails with `ServerEnded` while it does not run. */
export const target = Effect.fnUntraced(function* ({ engine, runtime, spec }: Server, login: Login) {
  const found = yield* runtime.inspect(spec.id)
  const address = found?.state._tag === "Running" ? found.state.addresses[engine.endpoints[0].name] : undefined
  if (address !== undefined) return { ...address, ...login } satisfies Target
  const ending = found?.state._tag === "Ended" ? found.state.ending : { how: "it does not run", lastLines: [] }
  const reason =
    found === undefined
      ? new ServerMissing({ server: spec.name })
      : new ServerEnded({ server: spec.name, how: ending.how, lastLines: ending.lastLines })
  return yield* new RuntimeError({ reason })
})
