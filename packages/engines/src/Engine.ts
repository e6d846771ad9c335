/**
 * What kind of server a database is. An engine is a value: what it is called, where it listens, how it is started,
 * how it is administered through its own driver and how its URLs are built. It starts nothing itself (a `Runtime`
 * does) and keeps nothing.
 */
import { type Duration, Effect, type Redacted, Schema } from "effect"
import type { Administration } from "./Administration.ts"
import type { ConnectionEvent } from "./ConnectionEvent.ts"
import type { ContainerPlan } from "./ContainerPlan.ts"
import { InvalidEngine } from "./EngineError.ts"
import type { ProgramPlan } from "./ProgramPlan.ts"

/** A named port of an engine. The first endpoint of an engine is its primary one. */
export interface Endpoint {
  readonly name: string
  /** Port inside the environment's network, 1 to 65535. */
  readonly port: number
  /** URL scheme without the colon, such as `postgresql`. */
  readonly scheme: string
}

export interface EngineVersion {
  /** Official image for container runtimes, such as `postgres:18`. */
  readonly image: string
}

/** A login: who, with what, and into which logical database. */
export interface Login {
  readonly username: string
  readonly password: Redacted.Redacted
  readonly database: string
}

export interface UrlParts extends Login {
  /** Name, IPv4 address or IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  readonly endpoint: Endpoint
}

/** The names that a new database gets inside its server. */
export interface Naming {
  readonly username: string
  readonly database: string
}

/** What one server may use of its host. Left out: as much as there is. */
export interface Limits {
  /** Processors, in fractions: `0.5` is half of one. */
  readonly cpus?: number
  /** At least what the engine's plan says it needs. */
  readonly memoryBytes?: number
}

export interface ServerInput {
  readonly version: string
  /** The login that Berth keeps to itself. */
  readonly admin: Login
  /**
   * The app's login, the same that `createApp` is given. Engines whose users are kept in files of the server
   * (ClickHouse) need it here. Left out: the server starts with its administrator only.
   */
  readonly app?: Login
  readonly limits?: Limits
}

export interface ServerPlan {
  /** How the `local` runtime runs it. Left out: the engine needs a container runtime. */
  readonly program?: ProgramPlan
  /** How container runtimes run it. Left out: the engine has no image. */
  readonly container?: ContainerPlan
}

export interface Engine {
  /** `^[a-z][a-z0-9]{1,30}$`, such as `postgres`. */
  readonly id: string
  /** What a person reads, such as `Postgres`. */
  readonly label: string
  /** Prefix of reference variables, `^[A-Z][A-Z0-9]{1,30}$`, such as `POSTGRES`. */
  readonly prefix: string
  readonly versions: Readonly<Record<string, EngineVersion>>
  /** One of `versions`. */
  readonly defaultVersion: string
  readonly endpoints: readonly [Endpoint, ...ReadonlyArray<Endpoint>]
  /** Name of the administrator and of the database that it logs in to. */
  readonly administrator: Naming
  /** How long a server may take from its start to its first answer. */
  readonly startTimeout: Duration.Input
  /** Names inside the server for a database called `name` (`^[a-z][a-z0-9-]*$`); none of them is reserved. */
  readonly naming: (name: string) => Naming
  readonly server: (input: ServerInput) => ServerPlan
  readonly administration: Administration
  /** A URL as the engine's usual clients take it, every part percent-encoded. */
  readonly url: (parts: UrlParts) => string
  /** Reads a line of the server's log. `undefined` when it does not tell of a connection. Left out: none does. */
  readonly connection?: (text: string) => ConnectionEvent | undefined
}

const Shape = Schema.Struct({
  id: Schema.String.pipe(Schema.check(Schema.isPattern(/^[a-z][a-z0-9]{1,30}$/))),
  label: Schema.NonEmptyString,
  prefix: Schema.String.pipe(Schema.check(Schema.isPattern(/^[A-Z][A-Z0-9]{1,30}$/))),
  defaultVersion: Schema.NonEmptyString,
  versions: Schema.Record(Schema.String, Schema.Struct({ image: Schema.NonEmptyString })),
  endpoints: Schema.NonEmptyArray(
    Schema.Struct({
      name: Schema.String.pipe(Schema.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,30}$/))),
      port: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))),
      scheme: Schema.String.pipe(Schema.check(Schema.isPattern(/^[a-z][a-z0-9+.-]*$/)))
    })
  )
})

const decodeShape = Schema.decodeUnknownEffect(Shape)

/**
 * Checks an engine of a platform builder's own and returns it unchanged. Fails with `InvalidEngine` when a name is
 * malformed, an endpoint is named twice or the default version is not among the versions.
 */
export const define = <const E extends Engine>(engine: E): Effect.Effect<E, InvalidEngine> =>
  decodeShape(engine).pipe(
    Effect.mapError((error) => new InvalidEngine({ engine: String(engine.id), problem: error.message })),
    Effect.flatMap((shape) => {
      const names = shape.endpoints.map((endpoint) => endpoint.name)
      const twice = names.find((name, index) => names.indexOf(name) !== index)
      if (twice !== undefined) {
        return Effect.fail(new InvalidEngine({ engine: shape.id, problem: `endpoint "${twice}" is named twice` }))
      }
      if (shape.versions[shape.defaultVersion] === undefined) {
        const known = Object.keys(shape.versions).join(", ")
        const problem = `default version "${shape.defaultVersion}" is not one of its versions (${known})`
        return Effect.fail(new InvalidEngine({ engine: shape.id, problem }))
      }
      return Effect.succeed(engine)
    })
  )

/** The endpoint that a client means when it names none. */
export const primaryEndpoint = (engine: Engine): Endpoint => engine.endpoints[0]
