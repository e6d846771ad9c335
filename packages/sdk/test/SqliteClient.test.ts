import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as SqliteClient from "../src/store/SqliteClient.ts"

const inMemory = SqliteClient.layer(":memory:")

const withTable = <A, E>(body: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE ports (name TEXT PRIMARY KEY, port INTEGER UNIQUE, open BOOLEAN)`
    return yield* body(sql)
  }).pipe(Effect.provide(inMemory, { local: true }))

describe("the SQL client over node:sqlite", () => {
  it.effect("takes text, numbers, booleans, bytes and null", () =>
    withTable((sql) =>
      Effect.gen(function* () {
        yield* sql`INSERT INTO ports ${sql.insert([
          { name: "a", port: 1, open: true },
          { name: "b", port: null, open: false }
        ])}`
        const rows = yield* sql`SELECT * FROM ports ORDER BY name`
        assert.deepEqual(
          rows.map((row) => ({ ...row })),
          [
            { name: "a", port: 1, open: 1 },
            { name: "b", port: null, open: 0 }
          ]
        )
      })
    )
  )

  it.effect("refuses an object as a parameter instead of reading it as NULL", () =>
    withTable((sql) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(sql`SELECT ${{} as string}`)
        assert.strictEqual(error._tag, "SqlError")
      })
    )
  )

  it.effect("names a unique constraint that was violated", () =>
    withTable((sql) =>
      Effect.gen(function* () {
        yield* sql`INSERT INTO ports VALUES ('a', 1, TRUE)`
        const error = yield* Effect.flip(sql`INSERT INTO ports VALUES ('b', 1, TRUE)`)
        assert.strictEqual(error.reason._tag, "UniqueViolation")
      })
    )
  )

  it.effect("rolls back a transaction that fails, and lets concurrent ones wait for each other", () =>
    withTable((sql) =>
      Effect.gen(function* () {
        const insert = (name: string, port: number) => sql`INSERT INTO ports VALUES (${name}, ${port}, TRUE)`
        yield* Effect.andThen(insert("a", 1), Effect.fail("no")).pipe(sql.withTransaction, Effect.ignore)
        yield* Effect.forEach(
          Array.from({ length: 50 }, (_, port) => port),
          (port) => sql.withTransaction(Effect.andThen(insert(`p${port}`, port), Effect.yieldNow)),
          { concurrency: "unbounded" }
        )
        const [row] = yield* sql<{ readonly count: number }>`SELECT COUNT(*) AS count FROM ports`
        assert.strictEqual(row?.count, 50)
      })
    )
  )

  it.effect("survives a row id beyond what a JavaScript number holds", () =>
    withTable((sql) =>
      Effect.gen(function* () {
        yield* sql`CREATE TABLE big (id INTEGER PRIMARY KEY)`
        yield* sql`INSERT INTO big VALUES (9007199254740995)`
        yield* sql.withTransaction(sql`INSERT INTO ports VALUES ('a', 1, TRUE)`)
        const [row] = yield* sql<{ readonly id: string }>`SELECT CAST(id AS TEXT) AS id FROM big`
        assert.strictEqual(row?.id, "9007199254740995")
      })
    )
  )
})
