/**
 * Where a verb enters: what was passed in is decoded, the rules are asked, and the operation is written down in one
 * transaction. From then on it runs, whatever happens to its caller.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { ActionNotAllowed, action } from "../databases/actions.ts"
import type { DatabaseNotFound } from "../databases/Database.ts"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { Observer } from "../databases/Observer.ts"
import { type Observation, observedOf } from "../databases/status.ts"
import { Hosts } from "../hosts/hosts.ts"
import type { Verb } from "../operations/Operation.ts"
import { OperationInProgress } from "../operations/OperationError.ts"
import { OperationStore } from "../operations/OperationStore.ts"
import { Operations } from "../operations/operations.ts"
import { decoder, InvalidInput } from "../schema/InvalidInput.ts"
import { makeId } from "../schema/ids.ts"
import { Commit, Initiator } from "../schema/Name.ts"
import { inStore, type StoreFailed } from "../store/StoreError.ts"

export const VerbOptions = Schema.Struct({
  /** Who asks. Default: `sdk`. */
  initiator: Schema.optionalKey(Initiator)
})
export type VerbOptions = typeof VerbOptions.Encoded

export const DeployOptions = Schema.Struct({
  ...VerbOptions.fields,
  /** What the deployment belongs to in the app's repository. */
  commit: Schema.optionalKey(Commit)
})
export type DeployOptions = typeof DeployOptions.Encoded

export const DeleteOptions = Schema.Struct({
  ...VerbOptions.fields,
  /** Keeps the data on the host, for `hosts.kept` to list. Default: `false`. */
  keepData: Schema.optionalKey(Schema.Boolean)
})
export type DeleteOptions = typeof DeleteOptions.Encoded

/** Everything that any verb takes; each verb's own schema says which of it is its. */
export type AnyOptions = DeployOptions & DeleteOptions

const examples = { "": '{ initiator: "me" }', initiator: "me", commit: "4f2c1e9", keepData: "true" }

const decoders = {
  deploy: decoder(DeployOptions, examples),
  delete: decoder(DeleteOptions, examples),
  other: decoder(VerbOptions, examples)
}

const decodeOptions = (verb: Verb, input: unknown): Effect.Effect<AnyOptions, InvalidInput> =>
  verb === "deploy" ? decoders.deploy(input) : verb === "delete" ? decoders.delete(input) : decoders.other(input)

export type RequestError = ActionNotAllowed | DatabaseNotFound | InvalidInput | OperationInProgress | StoreFailed

export class Requests extends Context.Service<
  Requests,
  {
    /** Answers with the id of the operation as soon as it is written down. */
    readonly ask: (verb: Verb, database: string, options?: AnyOptions) => Effect.Effect<string, RequestError>
  }
>()("@berth/sdk/Requests") {
  static readonly layer: Layer.Layer<
    Requests,
    never,
    DatabaseStore | Hosts | Observer | OperationStore | Operations | SqlClient.SqlClient
  > = Layer.effect(
    Requests,
    Effect.gen(function* () {
      const databases = yield* DatabaseStore
      const hosts = yield* Hosts
      const observer = yield* Observer
      const operations = yield* OperationStore
      const runner = yield* Operations
      const sql = yield* SqlClient.SqlClient

      /** Said before anything is removed: a host that keeps nothing would remove the data with the server. */
      const requireKeeping = Effect.fnUntraced(function* (host: string) {
        const runtime = yield* hosts.runtime(host).pipe(Effect.orElseSucceed(() => undefined))
        if (runtime?.kept !== undefined) return
        const problem = `is not possible on the host "${host}", which keeps no data of deleted databases`
        return yield* new InvalidInput({ field: "keepData", problem, example: "false" })
      })

      const writeDown = Effect.fnUntraced(function* (
        verb: Verb,
        id: string,
        options: AnyOptions,
        observation: Observation | undefined
      ) {
        const database = yield* databases.get(id)
        const active = yield* operations.activeOf(id)
        if (active !== undefined) {
          const { id: operation, verb } = active
          return yield* new OperationInProgress({ database: id, databaseName: database.name, verb, operation })
        }
        const { reason } = action(verb, { database, active, observed: observedOf(observation) })
        if (reason !== undefined) return yield* new ActionNotAllowed({ database: id, verb, reason })
        if (options.keepData === true) yield* requireKeeping(database.host)
        const operation = yield* makeId("op")
        yield* operations.insert({
          id: operation,
          database: id,
          databaseName: database.name,
          verb,
          initiator: options.initiator ?? "sdk",
          keepData: options.keepData ?? false
        })
        if (verb === "deploy") {
          const row = { id: yield* makeId("dep"), database_id: id, operation_id: operation }
          yield* sql`INSERT INTO deployments ${sql.insert({ ...row, commit_hash: options.commit ?? null })}`
        }
        return operation
      })

      return Requests.of({
        ask: Effect.fn("Requests.ask")(function* (verb, database, input = {}) {
          const options = yield* decodeOptions(verb, input)
          // Only `start` depends on what runs, and a host is asked before the store is held: it may take its time.
          const observation =
            verb === "start" ? (yield* observer.look(yield* databases.get(database))).observation : undefined
          return yield* writeDown(verb, database, options, observation).pipe(
            sql.withTransaction,
            inStore,
            Effect.tap(runner.begin),
            Effect.uninterruptible
          )
        })
      })
    })
  )
}
