import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Route } from "../src/client/client.ts"

const decode = Schema.decodeUnknownEffect(Route)
const orders = { id: "orders.postgres", port: 30001, target: "10.0.0.5:5432" }

describe("Route", () => {
  it.effect("reads a route with its networks", () =>
    Effect.gen(function* () {
      const route = yield* decode({ ...orders, allow: ["203.0.113.0/24", "2001:db8::/32"], maxConnections: 100 })
      assert.strictEqual(route.allow?.length, 2)
    })
  )

  it.effect.each([
    { ...orders, id: "orders" },
    { ...orders, port: 0 },
    { ...orders, port: 65_536 },
    { ...orders, target: "10.0.0.5" },
    { ...orders, target: "2001:db8::1:5432:" },
    { ...orders, allow: ["203.0.113.0/33"] },
    { ...orders, maxConnections: 0 }
  ])("refuses %o", (input) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(decode(input)))._tag, "SchemaError")
    })
  )
})
