import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine, postgres } from "../src/index.ts"

const own: Engine.Engine = { ...postgres, id: "timescale", prefix: "TIMESCALE" }

describe("Engine.define", () => {
  it.effect("returns a sound engine as it is", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Engine.define(own), own)
    })
  )

  it.effect.each([
    { ...own, id: "Timescale" },
    { ...own, prefix: "timescale" },
    { ...own, defaultVersion: "99" },
    { ...own, endpoints: [{ name: "sql", port: 0, scheme: "postgresql" }] },
    {
      ...own,
      endpoints: [
        { name: "sql", port: 5432, scheme: "postgresql" },
        { name: "sql", port: 5433, scheme: "postgresql" }
      ]
    }
  ] as ReadonlyArray<Engine.Engine>)("refuses an engine that contradicts itself (%#)", (engine) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Engine.define(engine))
      assert.strictEqual(error.code, "ENGINE_INVALID")
    })
  )
})

describe("names inside a Postgres server", () => {
  it("never are those that the server keeps for itself", () => {
    assert.deepEqual(postgres.naming("orders"), { username: "app_orders", database: "orders" })
    assert.deepEqual(postgres.naming("postgres"), { username: "app_postgres", database: "postgres_db" })
    assert.deepEqual(postgres.naming("pg-orders"), { username: "app_pg_orders", database: "pg_orders" })
  })
})
