import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { postgres } from "../src/index.ts"

const at = { host: "db.example.com", port: 5432, endpoint: postgres.endpoints[0] }

const CodePoints = Schema.NonEmptyArray(
  Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 0x10_ff_ff })))
)

/** Unpaired surrogates have no place in UTF-8, so no server takes them either. */
const text = (points: typeof CodePoints.Type): string =>
  points.map((point) => String.fromCodePoint(point >= 0xd8_00 && point <= 0xdf_ff ? 0x25 : point)).join("")

describe("a Postgres URL", () => {
  it.effect.prop("gives back any name and any password", [CodePoints, CodePoints, CodePoints], (points) =>
    Effect.sync(() => {
      const [username, password, database] = [text(points[0]), text(points[1]), text(points[2])]
      const url = new URL(postgres.url({ ...at, username, password: Redacted.make(password), database }))
      assert.strictEqual(decodeURIComponent(url.username), username)
      assert.strictEqual(decodeURIComponent(url.password), password)
      assert.strictEqual(decodeURIComponent(url.pathname.slice(1)), database)
      assert.strictEqual(url.hostname, at.host)
      assert.strictEqual(url.port, "5432")
    })
  )

  it("keeps its port when the password holds the same digits and the host's name", () => {
    const password = "5432db.example.com5432"
    const url = new URL(
      postgres.url({ ...at, port: 40_000, username: "a", password: Redacted.make(password), database: "d" })
    )
    assert.strictEqual(url.port, "40000")
    assert.strictEqual(url.hostname, "db.example.com")
    assert.strictEqual(url.password, password)
  })

  it("puts an IPv6 host in brackets", () => {
    const url = postgres.url({ ...at, host: "::1", username: "a", password: Redacted.make("b"), database: "d" })
    assert.strictEqual(url, "postgresql://a:b@[::1]:5432/d")
  })
})
