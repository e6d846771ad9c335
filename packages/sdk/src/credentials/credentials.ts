/** The connection details of a database, as an app of its environment uses them. */
import type { Engine, RuntimeError } from "@berth/engines"
import { Context, Effect, Layer, Redacted } from "effect"
import type { DatabaseNotFound } from "../databases/Database.ts"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { type Server, type ServerError, Servers } from "../databases/Servers.ts"
import type { StoreFailed } from "../store/StoreError.ts"
import { NotDeployed } from "./NotDeployed.ts"

export interface EndpointDetails {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly uri: Redacted.Redacted
}

export interface ConnectionDetails {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: Redacted.Redacted
  /** Name of the logical database. */
  readonly database: string
  /** URL of the primary endpoint. */
  readonly uri: Redacted.Redacted
  readonly endpoints: ReadonlyArray<EndpointDetails>
}

export interface CredentialsOf {
  /** For apps of the same environment. */
  readonly internal: ConnectionDetails
  /** For everybody else, while the database is exposed. */
  readonly public: ConnectionDetails | undefined
}

export type CredentialsError = DatabaseNotFound | RuntimeError | ServerError | StoreFailed

const details = Effect.fnUntraced(function* ({ engine, logins: { app }, runtime, spec }: Server) {
  const endpointDetails = (endpoint: Engine.Engine["endpoints"][number]) =>
    runtime.internalAddress(spec, endpoint.name).pipe(
      Effect.map(
        (address): EndpointDetails => ({
          name: endpoint.name,
          ...address,
          uri: Redacted.make(engine.url({ ...app, ...address, endpoint }))
        })
      )
    )
  const primary = yield* endpointDetails(engine.endpoints[0])
  const others = yield* Effect.forEach(engine.endpoints.slice(1), endpointDetails)
  const { host, port, uri } = primary
  return { host, port, ...app, uri, endpoints: [primary, ...others] } satisfies ConnectionDetails
})

export class Credentials extends Context.Service<
  Credentials,
  {
    /** Fails with `NotDeployed` before the first successful deployment. */
    readonly get: (database: string) => Effect.Effect<CredentialsOf, CredentialsError>
  }
>()("@berth/sdk/Credentials") {
  static readonly layer: Layer.Layer<Credentials, never, DatabaseStore | Servers> = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const databases = yield* DatabaseStore
      const servers = yield* Servers
      return Credentials.of({
        get: Effect.fn("Credentials.get")(function* (id) {
          const database = yield* databases.get(id)
          // While a first deployment runs there are passwords already, and nothing that is proved to take them.
          if (database.phase === "created" || database.phase === "failed") {
            return yield* new NotDeployed({ database: database.name })
          }
          return { internal: yield* details(yield* servers.of(database)), public: undefined }
        })
      })
    })
  )
}
