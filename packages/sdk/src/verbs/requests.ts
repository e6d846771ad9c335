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
import { observedOf } from "../databases/status.ts"
import type { Verb } from "../operations/Operation.ts"
import { OperationInProgress } from "../operations/OperationError.ts"
import { OperationStore } from "../operations/OperationStore.ts"
import { Operations } from "../operations/operations.ts"
import { decoder, type InvalidInput } from "../schema/InvalidInput.ts"
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

const decodeOptions = decoder(DeployOptions, {
  "": '{ initiator: "me" }',
  initiator: "me",
  commit: "4f2c1e9"
})

export type RequestError = ActionNotAllowed | DatabaseNotFound | InvalidInput | OperationInProgress | StoreFailed

export class Requests extends Context.Service<
  Requests,
  {
    /** Answers with the id of the operation as soon as it is written down. */
    readonly ask: (verb: Verb, database: string, options?: DeployOptions) => Effect.Effect<string, RequestError>
  }
>()("@berth/sdk/Requests") {
  static readonly layer: Layer.Layer<
    Requests,
    never,
    DatabaseStore | Observer | OperationStore | Operations | SqlClient.SqlClient
  > = Layer.effect(
    Requests,
    Effect.gen(function* () {
      const databases = yield* DatabaseStore
      const observer = yield* Observer
      const operations = yield* OperationStore
      const runner = yield* Operations
      const sql = yield* SqlClient.SqlClient

      const writeDown = Effect.fnUntraced(function* (verb: Verb, id: string, options: typeof DeployOptions.Type) {
        const database = yield* databases.get(id)
        const active = yield* operations.activeOf(id)
        if (active !== undefined) {
          const { id: operation, verb } = active
          return yield* new OperationInProgress({ database: id, databaseName: database.name, verb, operation })
        }
        // Only `start` depends on what runs; the others do not wait for a host.
        const observation = verb === "start" ? yield* observer.observe(database) : undefined
        const { reason } = action(verb, { database, active, observed: observedOf(observation) })
        if (reason !== undefined) return yield* new ActionNotAllowed({ database: id, verb, reason })
        const operation = yield* makeId("op")
        yield* operations.insert({
          id: operation,
          database: id,
          databaseName: database.name,
          verb,
          initiator: options.initiator ?? "sdk"
        })
        if (verb === "deploy") {
          const row = { id: yield* makeId("dep"), database_id: id, operation_id: operation }
          yield* sql`INSERT INTO deployments ${sql.insert({ ...row, commit_hash: options.commit ?? null })}`
        }
        return operation
      })

      return Requests.of({
        ask: Effect.fn("Requests.ask")(function* (verb, database, input = {}) {
          const options = yield* decodeOptions(input)
          return yield* writeDown(verb, database, options).pipe(
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
