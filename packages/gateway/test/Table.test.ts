import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Table } from "../src/client/client.ts"

const orders = { id: "orders.postgres", port: 30001, target: "10.0.0.5:5432" }
const names = (serverNames: ReadonlyArray<string>) => ({ tls: { mode: "passthrough", serverNames } })

const problems = (inputs: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  Result.match(Table.fromUnknown(inputs), {
    onSuccess: () => [],
    onFailure: (refused) => refused.issues.map((issue) => `${issue.route} ${issue.field} ${issue.code}`)
  })

describe("Table", () => {
  it("names the route and the field of everything that is wrong, at once", () => {
    assert.deepStrictEqual(
      problems([
        { ...orders, port: 0, allow: ["10.0.0.0/8", "10.0.0.0/33"] },
        { ...orders, id: "users.postgres", colour: "red" },
        { port: 30003, target: "a:1" },
        { ...orders, id: "carts.redis", port: 30004, tls: { mode: "terminate", certificate: "a.pem" } },
        7
      ]),
      [
        "orders.postgres port invalid_field",
        "orders.postgres allow.1 invalid_field",
        "users.postgres colour invalid_field",
        "routes[2] id invalid_field",
        "carts.redis tls.key invalid_field",
        "routes[4] (route) invalid_field"
      ]
    )
  })

  it("refuses the same id and the same port twice", () => {
    assert.deepStrictEqual(problems([orders, orders]), [
      "orders.postgres id duplicate_id",
      "orders.postgres port duplicate_port"
    ])
  })

  it("lets routes share a port when each has server names of its own", () => {
    const one = { ...orders, ...names(["a.example.com"]) }
    const two = { ...orders, id: "users.postgres", ...names(["b.example.com"]) }
    assert.deepStrictEqual(problems([one, two]), [])
    assert.deepStrictEqual(problems([one, two, { ...orders, id: "carts.redis" }]), ["carts.redis port duplicate_port"])
    assert.deepStrictEqual(problems([one, { ...two, ...names(["a.example.com"]) }]), [
      "users.postgres tls.serverNames duplicate_server_name"
    ])
  })

  it("says in words what was wrong", () => {
    const refused = Result.getOrThrow(Result.flip(Table.fromUnknown([{ ...orders, target: "10.0.0.5:65536" }])))
    assert.include(refused.message, "orders.postgres: target:")
    assert.include(refused.message, "`host:port`")
  })
})
