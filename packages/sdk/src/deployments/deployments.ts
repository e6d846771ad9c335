/** Deployments: every provisioning run of a database, with who asked for it, its timeline and its full log. */
import { Context, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Failure, OperationLine, OperationStatus } from "../operations/Operation.ts"
import type { OperationNotFound } from "../operations/OperationError.ts"
import { OperationLog } from "../operations/OperationLog.ts"
import { OperationStore } from "../operations/OperationStore.ts"
import { inStore, type StoreFailed } from "../store/StoreError.ts"

export class DeploymentNotFound extends Schema.TaggedError<DeploymentNotFound>()("DeploymentNotFound", {
  deployment: Schema.String
}) {
  readonly code = "DEPLOYMENT_NOT_FOUND"
  override get message(): string {
    return `There is no deployment "${this.deployment}". List the deployments of a database to see their ids.`
  }
}

/** One step of a deployment; `endedAt` is missing while it runs and when it failed. */
export interface TimelineEntry {
  readonly step: string
  readonly startedAt: Date
  readonly endedAt: Date | undefined
}

export interface Deployment {
  readonly id: string
  readonly database: string
  readonly operation: string
  readonly initiator: string
  readonly commit: string | undefined
  readonly status: OperationStatus
  readonly createdAt: Date
  readonly endedAt: Date | undefined
  readonly timeline: ReadonlyArray<TimelineEntry>
  readonly failure: Failure | undefined
}

interface Row {
  readonly id: string
  readonly operation_id: string
  readonly commit_hash: string | null
}

/** A step that was begun again after a crash keeps its first beginning. */
export const timelineOf = (lines: ReadonlyArray<OperationLine>): ReadonlyArray<TimelineEntry> => {
  const entries = new Map<string, TimelineEntry>()
  for (const { kind, step, at } of lines) {
    if (step === undefined) continue
    const known = entries.get(step)
    if (kind === "step" && known === undefined) entries.set(step, { step, startedAt: at, endedAt: undefined })
    if (kind === "done" && known !== undefined) entries.set(step, { ...known, endedAt: at })
  }
  return [...entries.values()]
}

export class Deployments extends Context.Service<
  Deployments,
  {
    /** Oldest first. */
    readonly list: (filter: {
      readonly database: string
    }) => Effect.Effect<ReadonlyArray<Deployment>, OperationNotFound | StoreFailed>
    readonly get: (id: string) => Effect.Effect<Deployment, DeploymentNotFound | OperationNotFound | StoreFailed>
    /** The deployment that an operation with the verb `deploy` is. */
    readonly ofOperation: (
      operation: string
    ) => Effect.Effect<Deployment, DeploymentNotFound | OperationNotFound | StoreFailed>
    /** Everything that the deployment wrote, without any secret. */
    readonly logs: (id: string) => Effect.Effect<ReadonlyArray<OperationLine>, DeploymentNotFound | StoreFailed>
  }
>()("@berth/sdk/Deployments") {
  static readonly layer: Layer.Layer<Deployments, never, SqlClient.SqlClient | OperationStore | OperationLog> =
    Layer.effect(
      Deployments,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const operations = yield* OperationStore
        const log = yield* OperationLog

        const find = Effect.fnUntraced(function* (id: string) {
          const [row] = yield* inStore(sql<Row>`SELECT * FROM deployments WHERE id = ${id} OR operation_id = ${id}`)
          if (row === undefined) return yield* new DeploymentNotFound({ deployment: id })
          return row
        })

        const toDeployment = Effect.fnUntraced(function* (row: Row) {
          const operation = yield* operations.get(row.operation_id)
          const deployment: Deployment = {
            id: row.id,
            database: operation.database,
            operation: operation.id,
            initiator: operation.initiator,
            commit: row.commit_hash ?? undefined,
            status: operation.status,
            createdAt: operation.createdAt,
            endedAt: operation.endedAt,
            timeline: timelineOf(yield* log.lines(operation.id)),
            failure: operation.failure
          }
          return deployment
        })

        return Deployments.of({
          list: Effect.fn("Deployments.list")(function* ({ database }) {
            const rows = yield* inStore(
              sql<Row>`SELECT d.* FROM deployments d JOIN operations o ON o.id = d.operation_id
                WHERE d.database_id = ${database} ORDER BY o.created_at, d.id`
            )
            return yield* Effect.forEach(rows, toDeployment)
          }),
          get: Effect.fn("Deployments.get")(function* (id) {
            return yield* toDeployment(yield* find(id))
          }),
          ofOperation: Effect.fn("Deployments.ofOperation")(function* (operation) {
            return yield* toDeployment(yield* find(operation))
          }),
          logs: Effect.fn("Deployments.logs")(function* (id) {
            return yield* log.lines((yield* find(id)).operation_id)
          })
        })
      })
    )
}
