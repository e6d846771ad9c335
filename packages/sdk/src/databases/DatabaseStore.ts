/** Databases in the store. */
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Environment } from "../environments/environments.ts"
import { makeId } from "../schema/ids.ts"
import { Limits as LimitsSchema } from "../schema/Limits.ts"
import { inStore, type StoreFailed, whenTaken } from "../store/StoreError.ts"
import { type Database, DatabaseExists, DatabaseNotFound, type Phase } from "./Database.ts"

interface Row {
  readonly id: string
  readonly name: string
  readonly app_id: string
  readonly app_name: string
  readonly environment_id: string
  readonly environment_name: string
  readonly host: string
  readonly engine: string
  readonly version: string
  readonly limits: string | null
  readonly adopts: string | null
  readonly phase: Phase
  readonly created_at: number
}

const LimitsText = Schema.fromJsonString(LimitsSchema)
const decodeLimits = Schema.decodeSync(LimitsText)
const encodeLimits = Schema.encodeSync(LimitsText)

const toDatabase = (row: Row): Database => ({
  id: row.id,
  name: row.name,
  app: { id: row.app_id, name: row.app_name },
  environment: { id: row.environment_id, name: row.environment_name },
  host: row.host,
  engine: row.engine,
  version: row.version,
  limits: row.limits === null ? undefined : decodeLimits(row.limits),
  adopts: row.adopts ?? undefined,
  phase: row.phase,
  createdAt: new Date(row.created_at)
})

export interface NewDatabase {
  readonly environment: Environment
  readonly name: string
  readonly engine: string
  readonly version: string
  readonly limits: typeof LimitsSchema.Type | undefined
  readonly adopts: string | undefined
}

export class DatabaseStore extends Context.Service<
  DatabaseStore,
  {
    readonly insert: (database: NewDatabase) => Effect.Effect<string, DatabaseExists | StoreFailed>
    readonly get: (id: string) => Effect.Effect<Database, DatabaseNotFound | StoreFailed>
    /** All of them, or those of one environment or one app, by id. */
    readonly list: (filter: {
      readonly environment?: string
      readonly app?: string
    }) => Effect.Effect<ReadonlyArray<Database>, StoreFailed>
    readonly setPhase: (id: string, phase: Phase) => Effect.Effect<void, StoreFailed>
    /** Everything of it but the operation that deletes it, in one transaction. */
    readonly remove: (id: string, operation: string) => Effect.Effect<void, StoreFailed>
  }
>()("@berth/sdk/DatabaseStore") {
  static readonly layer: Layer.Layer<DatabaseStore, never, SqlClient.SqlClient> = Layer.effect(
    DatabaseStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const select = sql`SELECT d.id, d.name, d.engine, d.version, d.limits, d.adopts, d.phase, d.created_at,
          e.id AS environment_id, e.name AS environment_name, e.host, a.id AS app_id, a.name AS app_name
        FROM databases d JOIN environments e ON e.id = d.environment_id JOIN apps a ON a.id = e.app_id`

      return DatabaseStore.of({
        insert: Effect.fnUntraced(function* ({ environment, name, engine, version, limits, adopts }) {
          const id = yield* makeId("db")
          const created_at = yield* Clock.currentTimeMillis
          const row = {
            id,
            environment_id: environment.id,
            name,
            engine,
            version,
            limits: limits === undefined ? null : encodeLimits(limits),
            adopts: adopts ?? null,
            phase: "created",
            created_at
          }
          yield* sql`INSERT INTO databases ${sql.insert(row)}`.pipe(
            whenTaken(() => new DatabaseExists({ environment: environment.name, database: name })),
            inStore
          )
          return id
        }),
        get: Effect.fnUntraced(function* (id) {
          const [row] = yield* inStore(sql<Row>`${select} WHERE d.id = ${id}`)
          if (row === undefined) return yield* new DatabaseNotFound({ database: id })
          return toDatabase(row)
        }),
        list: ({ environment, app }) => {
          const where =
            environment !== undefined
              ? sql`WHERE e.id = ${environment}`
              : app !== undefined
                ? sql`WHERE a.id = ${app}`
                : sql``
          return inStore(sql<Row>`${select} ${where} ORDER BY a.name, e.name, d.name`).pipe(
            Effect.map((rows) => rows.map(toDatabase))
          )
        },
        setPhase: (id, phase) =>
          inStore(sql`UPDATE databases SET phase = ${phase} WHERE id = ${id}`).pipe(Effect.asVoid),
        remove: Effect.fnUntraced(function* (id, operation) {
          const older = sql`SELECT id FROM operations WHERE database_id = ${id} AND id <> ${operation}`
          yield* Effect.gen(function* () {
            yield* sql`DELETE FROM deployments WHERE database_id = ${id}`
            yield* sql`DELETE FROM operation_lines WHERE operation_id IN (${older})`
            yield* sql`DELETE FROM operations WHERE database_id = ${id} AND id <> ${operation}`
            yield* sql`DELETE FROM credentials WHERE database_id = ${id}`
            yield* sql`DELETE FROM databases WHERE id = ${id}`
          }).pipe(sql.withTransaction, inStore)
        })
      })
    })
  )
}
