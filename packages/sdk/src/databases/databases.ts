/** Databases: recorded, deployed, looked at, and acted on by verbs. */
import type { LogLine, LogOptions, RuntimeError, ServerImage, Vitals } from "@berth/engines"
import { Context, Effect, Layer, Schema, Stream } from "effect"
import { type AppNotFound, Apps } from "../apps/apps.ts"
import { type ConnectionDetails, Credentials, type CredentialsError } from "../credentials/credentials.ts"
import { NotDeployed } from "../credentials/NotDeployed.ts"
import { type Deployment, type DeploymentNotFound, Deployments } from "../deployments/deployments.ts"
import { type EnvironmentNotFound, Environments } from "../environments/environments.ts"
import { Events } from "../events/events.ts"
import { Hosts, type HostUnknown } from "../hosts/hosts.ts"
import type { Operation, Verb } from "../operations/Operation.ts"
import type { OperationCancelled, OperationFailed, OperationNotFound } from "../operations/OperationError.ts"
import { OperationStore } from "../operations/OperationStore.ts"
import { Operations } from "../operations/operations.ts"
import { type Probe, Probes } from "../probes/probes.ts"
import { Reconciler } from "../reconciler/reconciler.ts"
import { decoder, InvalidInput } from "../schema/InvalidInput.ts"
import { Limits } from "../schema/Limits.ts"
import { Name } from "../schema/Name.ts"
import type { StoreFailed } from "../store/StoreError.ts"
import {
  type AnyOptions,
  type DeleteOptions,
  type DeployOptions,
  type RequestError,
  Requests,
  type VerbOptions
} from "../verbs/requests.ts"
import { type Action, actions } from "./actions.ts"
import { ActivityOf } from "./activity.ts"
import type { Database, DatabaseExists, DatabaseNotFound } from "./Database.ts"
import { DatabaseStore } from "./DatabaseStore.ts"
import { Engines } from "./Engines.ts"
import { Observer } from "./Observer.ts"
import { observedOf, type Status, statusOf } from "./status.ts"

export const CreateDatabase = Schema.Struct({
  /** Name or id of the app. */
  app: Schema.String,
  /** Name or id of the environment in it. */
  environment: Schema.String,
  name: Name,
  /** Id of the engine, such as `postgres`. */
  engine: Schema.String,
  /** Default: the engine's own default version. */
  version: Schema.optionalKey(Schema.String),
  limits: Schema.optionalKey(Limits),
  /** Id of kept data of the same engine and version, as `hosts.kept` lists it, that the first deployment takes over. */
  adopts: Schema.optionalKey(Schema.String)
})

const decodeCreate = decoder(CreateDatabase, {
  "": '{ app: "shop", environment: "production", name: "orders", engine: "postgres" }',
  app: "shop",
  environment: "production",
  name: "orders",
  engine: "postgres",
  version: "18",
  limits: "{ cpus: 0.5, memoryBytes: 536870912 }",
  "limits.cpus": "0.5",
  "limits.memoryBytes": "536870912",
  adopts: "db_4f2c1e9a8b7d6c5e"
})

export interface DatabaseSummary extends Database, Status {}

export interface Overview extends DatabaseSummary {
  /** Connection details; `undefined` before the first successful deployment and while the host does not know them. */
  readonly internal: ConnectionDetails | undefined
  readonly actions: ReadonlyArray<Action>
  /** The image that its server runs from, on hosts that run images. */
  readonly image: ServerImage | undefined
  /** What its host measures of it: restarts, kills for want of memory, memory, disk. `undefined` where nothing is. */
  readonly vitals: Vitals | undefined
  /** The last health check; `undefined` before the first one. */
  readonly health: Probe | undefined
  /** The operation that runs now. */
  readonly operation: Operation | undefined
}

/** How a verb that was waited for can fail. */
export type VerbError = OperationCancelled | OperationFailed | OperationNotFound | RequestError

export class Databases extends Context.Service<
  Databases,
  {
    /** Records the database. Nothing runs before `deploy`. */
    readonly create: (
      input: typeof CreateDatabase.Encoded
    ) => Effect.Effect<Database, AppNotFound | DatabaseExists | EnvironmentNotFound | InvalidInput | StoreFailed>
    /** All databases, those of one app, or those of one environment of it. The status is that of the last look at the hosts. */
    readonly list: (filter?: {
      readonly app?: string | undefined
      readonly environment?: string | undefined
    }) => Effect.Effect<ReadonlyArray<DatabaseSummary>, AppNotFound | EnvironmentNotFound | InvalidInput | StoreFailed>
    readonly get: (id: string) => Effect.Effect<Database, DatabaseNotFound | StoreFailed>
    /** Asks the host, so the status is that of this moment. */
    readonly overview: (id: string) => Effect.Effect<Overview, CredentialsError>
    readonly actions: (id: string) => Effect.Effect<ReadonlyArray<Action>, DatabaseNotFound | StoreFailed>
    /** Provisions the server and answers with the deployment once it is proved. A database is deployed once. */
    readonly deploy: (id: string, options?: DeployOptions) => Effect.Effect<Deployment, VerbError | DeploymentNotFound>
    readonly start: (id: string, options?: VerbOptions) => Effect.Effect<Operation, VerbError>
    readonly restart: (id: string, options?: VerbOptions) => Effect.Effect<Operation, VerbError>
    readonly stop: (id: string, options?: VerbOptions) => Effect.Effect<Operation, VerbError>
    /** Removes the server with its data, and the database. */
    readonly delete: (id: string, options?: DeleteOptions) => Effect.Effect<Operation, VerbError>
    /** The same verbs without waiting: answers with the id of the operation. */
    readonly ask: (verb: Verb, id: string, options?: AnyOptions) => Effect.Effect<string, RequestError>
    /** Who connected, and how the health checks went. */
    readonly activity: ActivityOf["Service"]["get"]
    readonly logs: (
      id: string,
      options?: LogOptions
    ) => Stream.Stream<LogLine, DatabaseNotFound | HostUnknown | NotDeployed | RuntimeError | StoreFailed>
  }
>()("@berth/sdk/Databases") {
  static readonly layer: Layer.Layer<
    Databases,
    never,
    | ActivityOf
    | Apps
    | Credentials
    | DatabaseStore
    | Engines
    | Environments
    | Events
    | Hosts
    | Observer
    | OperationStore
    | Probes
    | Reconciler
    | Deployments
    | Operations
    | Requests
  > = Layer.effect(
    Databases,
    Effect.gen(function* () {
      const activity = yield* ActivityOf
      const apps = yield* Apps
      const credentials = yield* Credentials
      const engines = yield* Engines
      const environments = yield* Environments
      const events = yield* Events
      const hosts = yield* Hosts
      const observer = yield* Observer
      const operations = yield* OperationStore
      const deployments = yield* Deployments
      const probes = yield* Probes
      const reconciler = yield* Reconciler
      const requests = yield* Requests
      const runner = yield* Operations
      const store = yield* DatabaseStore

      const lastFailure = (id: string) =>
        operations.list({ database: id }).pipe(Effect.map((all) => all.at(-1)?.failure?.message))

      /** A host that cannot measure, or does not answer, leaves them out. */
      const vitalsOf = (database: Database) =>
        hosts.runtime(database.host).pipe(
          Effect.flatMap((runtime) => runtime.vitals?.(database.id) ?? Effect.succeed(undefined)),
          Effect.orElseSucceed(() => undefined)
        )

      const standing = Effect.fnUntraced(function* (id: string) {
        const database = yield* store.get(id)
        const active = yield* operations.activeOf(id)
        const { found, observation } = yield* observer.look(database)
        return { database, active, found, observation, observed: observedOf(observation) }
      })

      const verb = (name: Verb) => (id: string, options?: AnyOptions) =>
        requests.ask(name, id, options).pipe(Effect.flatMap(runner.succeeded), Effect.withSpan(`Databases.${name}`))

      return Databases.of({
        create: Effect.fn("Databases.create")(function* (input) {
          const { app, environment: environmentName, name, ...chosen } = yield* decodeCreate(input)
          const { engine, version } = yield* engines.choose(chosen.engine, chosen.version)
          const environment = yield* environments.get({ app, environment: environmentName })
          const id = yield* store.insert({
            environment,
            name,
            engine: engine.id,
            version,
            limits: chosen.limits,
            adopts: chosen.adopts
          })
          yield* events.publish({ type: "database.created", database: id, name })
          return yield* Effect.orDie(store.get(id))
        }),
        list: Effect.fn("Databases.list")(function* ({ app, environment } = {}) {
          if (app === undefined && environment !== undefined) {
            const problem = "is missing: an environment is named within its app"
            return yield* new InvalidInput({ field: "app", problem, example: "shop" })
          }
          const within =
            app === undefined
              ? {}
              : environment === undefined
                ? { app: (yield* apps.get(app)).id }
                : { environment: (yield* environments.get({ app, environment })).id }
          const all = yield* store.list(within)
          const active = new Map((yield* operations.active).map((operation) => [operation.database, operation]))
          return all.map((database) => ({
            ...database,
            ...statusOf(database, active.get(database.id), reconciler.observed(database.id), undefined)
          }))
        }),
        get: store.get,
        overview: Effect.fn("Databases.overview")(function* (id) {
          const now = yield* standing(id)
          const internal = yield* credentials.get(id).pipe(
            Effect.map((all) => all.internal),
            // Nothing to tell before the first deployment, nor while nobody knows where the server is.
            Effect.catchTag(["NotDeployed", "RuntimeError", "HostUnknown"], () => Effect.succeed(undefined))
          )
          return {
            ...now.database,
            ...statusOf(now.database, now.active, now.observation, yield* lastFailure(id)),
            internal,
            actions: actions(now),
            image: now.found?.image,
            vitals: now.found === undefined ? undefined : yield* vitalsOf(now.database),
            health: probes.of(id).at(-1),
            operation: now.active
          }
        }),
        actions: Effect.fn("Databases.actions")(function* (id) {
          return actions(yield* standing(id))
        }),
        deploy: Effect.fn("Databases.deploy")(function* (id, options) {
          const operation = yield* requests.ask("deploy", id, options)
          yield* runner.succeeded(operation)
          return yield* deployments.ofOperation(operation)
        }),
        start: verb("start"),
        restart: verb("restart"),
        stop: verb("stop"),
        delete: verb("delete"),
        ask: requests.ask,
        activity: activity.get,
        logs: (id, options = {}) =>
          Stream.unwrap(
            Effect.gen(function* () {
              const database = yield* store.get(id)
              if (database.phase === "created" || database.phase === "failed") {
                return yield* new NotDeployed({ database: database.name })
              }
              return (yield* hosts.runtime(database.host)).logs(id, options)
            })
          )
      })
    })
  )
}
