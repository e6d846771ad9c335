/** The state of a Berth as SQL: opened, found whole, and brought to the newest tables. */
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { type Migrator, SqlClient, type SqlError } from "effect/sql"
import { DataDir } from "./DataDir.ts"
import { migrate } from "./migrations.ts"
import * as SqliteClient from "./SqliteClient.ts"
import { StoreCorrupted, StoreFailed, storeFailed } from "./StoreError.ts"

/** SQLITE_CORRUPT and SQLITE_NOTADB. (sqlite.org, "Result and Error Codes".) */
const damaged = new Set([11, 26])

const openError =
  (file: string) =>
  (error: SqlError.SqlError | Migrator.MigrationError): StoreCorrupted | StoreFailed => {
    if (error._tag === "MigrationError") return new StoreFailed({ detail: error.message, full: false })
    const cause = error.reason.cause
    if (cause instanceof Error && "errcode" in cause && damaged.has(Number(cause.errcode) & 0xff)) {
      return new StoreCorrupted({ file, detail: cause.message })
    }
    return storeFailed(error)
  }

const check = (file: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ readonly quick_check: string }>`PRAGMA quick_check(1)`
    if (row?.quick_check !== "ok") {
      return yield* new StoreCorrupted({ file, detail: row?.quick_check ?? "the check gave no answer" })
    }
  })

const open = (file: string) =>
  Effect.gen(function* () {
    const sql = yield* SqliteClient.make(file)
    yield* check(file).pipe(Effect.andThen(migrate), Effect.provideService(SqlClient.SqlClient, sql))
    return sql
  }).pipe(Effect.mapError((error) => (error._tag === "StoreCorrupted" ? error : openError(file)(error))))

/** A store in a file, or in memory with `:memory:`. */
export const layerFile = (file: string): Layer.Layer<SqlClient.SqlClient, StoreCorrupted | StoreFailed> =>
  Layer.effect(SqlClient.SqlClient, open(file)).pipe(Layer.provide(Reactivity.layer))

/** The store of the data directory. */
export const layer: Layer.Layer<SqlClient.SqlClient, StoreCorrupted | StoreFailed, DataDir> = Layer.unwrap(
  Effect.map(DataDir, ({ store }) => layerFile(store))
)
