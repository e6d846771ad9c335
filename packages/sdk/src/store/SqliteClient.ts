/**
 * A `SqlClient` over `node:sqlite`. One connection serves everything, one statement at a time. Statements run
 * synchronously and block the event loop for their time, which is tens of microseconds for those that Berth asks.
 * Streaming queries read all their rows at once.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { Context, Effect, Layer, type Scope, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"

/** How long a statement waits for another connection to the same file. */
const busyMillis = 5_000
/** Texts of statements are few, but nothing stops a caller from building them. */
const cachedStatements = 500

const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, SqlError.SqlError> =>
  Effect.try({
    try: run,
    catch: (cause) => {
      // The classifier reads `errno`, where `node:sqlite` writes `errcode`.
      if (cause instanceof Error && "errcode" in cause) Object.assign(cause, { errno: cause.errcode })
      const message = `sqlite could not ${operation}: ${cause instanceof Error ? cause.message : String(cause)}`
      return new SqlError.SqlError({ reason: SqlError.classifySqliteError(cause, { operation, message }) })
    }
  })

const isInput = (value: unknown): value is SQLInputValue =>
  value === null ||
  typeof value === "string" ||
  typeof value === "number" ||
  typeof value === "bigint" ||
  ArrayBuffer.isView(value)

/** An object in the first place would be taken for named parameters, and every value read as NULL. */
const bind = (params: ReadonlyArray<unknown>): Array<SQLInputValue> =>
  params.map((param) => {
    if (typeof param === "boolean") return param ? 1 : 0
    if (isInput(param)) return param
    throw new TypeError(`a parameter must be null, text, a number, a boolean or bytes, not ${typeof param}`)
  })

type Rows = ReadonlyArray<Record<string, unknown>>

const makeConnection = (db: DatabaseSync): SqlConnection.Connection => {
  const cache = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    const known = cache.get(sql)
    if (known !== undefined) return known
    if (cache.size >= cachedStatements) cache.clear()
    const statement = db.prepare(sql)
    cache.set(sql, statement)
    return statement
  }
  const run =
    (mode: "rows" | "values" | "raw") =>
    // biome-ignore lint/suspicious/noExplicitAny: the shape that `Connection` asks for.
    (sql: string, params: ReadonlyArray<unknown>, transform?: (rows: ReadonlyArray<any>) => ReadonlyArray<any>) =>
      // biome-ignore lint/suspicious/noExplicitAny: the shape that `Connection` asks for.
      Effect.withFiber<any, SqlError.SqlError>((fiber) =>
        attempt("execute a statement", () => {
          const statement = prepared(sql)
          const returnsRows = statement.columns().length > 0
          // `run` reports the last row id with every statement, BEGIN too, and ids of the journal are larger than 2^53.
          statement.setReadBigInts(!returnsRows || Context.get(fiber.context, SqlClient.SafeIntegers))
          statement.setReturnArrays(mode === "values")
          if (!returnsRows) {
            const result = statement.run(...bind(params))
            return mode === "raw" ? result : []
          }
          const rows: Rows = statement.all(...bind(params))
          return transform === undefined ? rows : transform(rows)
        })
      )

  return {
    execute: run("rows"),
    executeRaw: run("raw"),
    executeValues: run("values"),
    // The journal asks these, with texts that hold ids; the cache is bounded, and most texts come again.
    executeUnprepared: run("rows"),
    executeValuesUnprepared: run("values"),
    executeStream: (sql, params, transform) => Stream.fromArrayEffect(run("rows")(sql, params, transform))
  }
}

/** `filename` is a path or `:memory:`. */
export const make = (
  filename: string
): Effect.Effect<SqlClient.SqlClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const db = yield* Effect.acquireRelease(
      attempt("open the file", () => new DatabaseSync(filename, { timeout: busyMillis })),
      (db) => Effect.sync(() => db.close())
    )
    // NORMAL: what was committed survives the end of this process, and after a power cut the file is whole and lacks at
    // most the last moments, which the reconciler finds again on the hosts.
    yield* attempt("prepare the file", () =>
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")
    )
    return yield* SqlClient.make({
      ...SqlClient.makeSqliteAcquirers({
        connection: Effect.succeed(makeConnection(db)),
        semaphore: yield* Semaphore.make(1),
        isTransaction: () => db.isTransaction
      }),
      driver: "sqlite-node",
      compiler: Statement.makeCompilerSqlite(),
      beginTransaction: "BEGIN IMMEDIATE",
      releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
      spanAttributes: [["db.system.name", "sqlite"]]
    })
  })

export const layer = (filename: string): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(filename)).pipe(Layer.provide(Reactivity.layer))
