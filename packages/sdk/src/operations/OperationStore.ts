/** Operations in the store, and who waits for their end or asks for their cancellation. */
import { Clock, Context, Deferred, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Events } from "../events/events.ts"
import { inStore, type StoreFailed } from "../store/StoreError.ts"
import { Failure, isEnded, type Operation, type OperationStatus, type Verb } from "./Operation.ts"
import { OperationNotFound } from "./OperationError.ts"
import { OperationLog } from "./OperationLog.ts"

interface OperationRow {
  readonly id: string
  readonly database_id: string
  readonly database_name: string
  readonly verb: Verb
  readonly status: OperationStatus
  readonly initiator: string
  /** SQLite has no booleans. */
  readonly keep_data: boolean | number
  readonly error: string | null
  readonly created_at: number
  readonly ended_at: number | null
}

const FailureText = Schema.fromJsonString(Failure)
const decodeFailure = Schema.decodeSync(FailureText)
const encodeFailure = Schema.encodeSync(FailureText)

const toOperation = (row: OperationRow): Operation => ({
  id: row.id,
  database: row.database_id,
  databaseName: row.database_name,
  verb: row.verb,
  status: row.status,
  initiator: row.initiator,
  keepData: Boolean(row.keep_data),
  createdAt: new Date(row.created_at),
  endedAt: row.ended_at === null ? undefined : new Date(row.ended_at),
  failure: row.error === null ? undefined : decodeFailure(row.error)
})

export class OperationStore extends Context.Service<
  OperationStore,
  {
    /** Part of the caller's transaction. Fails with a unique violation while another operation is active. */
    readonly insert: (
      operation: Omit<Operation, "status" | "createdAt" | "endedAt" | "failure">
    ) => Effect.Effect<void, StoreFailed>
    readonly get: (id: string) => Effect.Effect<Operation, OperationNotFound | StoreFailed>
    readonly list: (filter: {
      readonly database?: string | undefined
    }) => Effect.Effect<ReadonlyArray<Operation>, StoreFailed>
    readonly active: Effect.Effect<ReadonlyArray<Operation>, StoreFailed>
    /** The one that runs on this database now. */
    readonly activeOf: (database: string) => Effect.Effect<Operation | undefined, StoreFailed>
    readonly setRunning: (operation: Operation) => Effect.Effect<void, StoreFailed>
    /** `also` is part of the same transaction: what the end of the operation means for its database. */
    readonly end: (
      operation: Operation,
      status: OperationStatus,
      failure: Failure | undefined,
      also: Effect.Effect<unknown, StoreFailed>
    ) => Effect.Effect<void, StoreFailed>
    /** Answers when the operation has ended. */
    readonly ended: (id: string) => Effect.Effect<Operation, OperationNotFound | StoreFailed>
    readonly requestCancel: (id: string) => Effect.Effect<void, StoreFailed>
    /** Answers when the cancellation is or was asked for. */
    readonly cancelAsked: (id: string) => Effect.Effect<void>
  }
>()("@berth/sdk/OperationStore") {
  static readonly layer: Layer.Layer<OperationStore, StoreFailed, SqlClient.SqlClient | Events | OperationLog> =
    Layer.effect(
      OperationStore,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const events = yield* Events
        const log = yield* OperationLog
        const endings = new Map<string, Deferred.Deferred<void>>()
        const cancels = new Map<string, Deferred.Deferred<void>>()

        const signal = (of: Map<string, Deferred.Deferred<void>>, id: string) => {
          const known = of.get(id) ?? Deferred.makeUnsafe<void>()
          of.set(id, known)
          return known
        }

        const publish = (operation: Pick<Operation, "id" | "database" | "verb">, status: OperationStatus) =>
          events.publish({
            type: "operation",
            operation: operation.id,
            database: operation.database,
            verb: operation.verb,
            status
          })

        const get = Effect.fnUntraced(function* (id: string) {
          const [row] = yield* inStore(sql<OperationRow>`SELECT * FROM operations WHERE id = ${id}`)
          if (row === undefined) return yield* new OperationNotFound({ operation: id })
          return toOperation(row)
        })

        // A cancellation that was asked for in an earlier process still holds.
        const asked = yield* inStore(
          sql<Pick<OperationRow, "id">>`SELECT id FROM operations WHERE cancel_requested AND ended_at IS NULL`
        )
        for (const { id } of asked) yield* Deferred.succeed(signal(cancels, id), undefined)

        return OperationStore.of({
          insert: Effect.fnUntraced(function* (operation) {
            const now = yield* Clock.currentTimeMillis
            yield* inStore(
              sql`INSERT INTO operations ${sql.insert({
                id: operation.id,
                database_id: operation.database,
                database_name: operation.databaseName,
                verb: operation.verb,
                initiator: operation.initiator,
                keep_data: operation.keepData,
                status: "queued",
                created_at: now
              })}`
            )
            yield* publish(operation, "queued")
          }),
          get,
          list: ({ database }) =>
            inStore(
              database === undefined
                ? sql<OperationRow>`SELECT * FROM operations ORDER BY created_at, id`
                : sql<OperationRow>`SELECT * FROM operations WHERE database_id = ${database} ORDER BY created_at, id`
            ).pipe(Effect.map((rows) => rows.map(toOperation))),
          active: inStore(sql<OperationRow>`SELECT * FROM operations WHERE ended_at IS NULL ORDER BY created_at`).pipe(
            Effect.map((rows) => rows.map(toOperation))
          ),
          activeOf: (database) =>
            inStore(
              sql<OperationRow>`SELECT * FROM operations WHERE database_id = ${database} AND ended_at IS NULL`
            ).pipe(Effect.map((rows) => (rows[0] === undefined ? undefined : toOperation(rows[0])))),
          setRunning: Effect.fnUntraced(function* (operation) {
            if (operation.status === "running") return
            yield* inStore(sql`UPDATE operations SET status = 'running' WHERE id = ${operation.id}`)
            yield* log.append(operation.id, { kind: "status", text: "running" })
            yield* publish(operation, "running")
          }),
          end: Effect.fnUntraced(function* (operation, status, failure, also) {
            const now = yield* Clock.currentTimeMillis
            const error = failure === undefined ? null : encodeFailure(failure)
            const update = sql`UPDATE operations SET status = ${status}, error = ${error}, ended_at = ${now}
            WHERE id = ${operation.id}`
            yield* log.end(operation.id, status, Effect.andThen(update, also))
            yield* publish(operation, status)
            yield* Deferred.succeed(signal(endings, operation.id), undefined)
            endings.delete(operation.id)
            cancels.delete(operation.id)
          }),
          ended: Effect.fnUntraced(function* (id) {
            const waiting = signal(endings, id)
            const now = yield* get(id)
            if (isEnded(now.status)) {
              endings.delete(id)
              return now
            }
            yield* Deferred.await(waiting)
            return yield* get(id)
          }),
          requestCancel: (id) =>
            inStore(sql`UPDATE operations SET cancel_requested = TRUE WHERE id = ${id} AND ended_at IS NULL`).pipe(
              Effect.andThen(Deferred.succeed(signal(cancels, id), undefined)),
              Effect.asVoid
            ),
          cancelAsked: (id) => Effect.suspend(() => Deferred.await(signal(cancels, id)))
        })
      })
    )
}
