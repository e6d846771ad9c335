import { assert, describe, it } from "@effect/vitest"
import { verifier } from "../src/mysql/cachingSha2.ts"

describe("the verifier of a MySQL password", () => {
  it("is the same for the same password and another for another", () => {
    assert.strictEqual(verifier("secret"), verifier("secret"))
    assert.notStrictEqual(verifier("secret"), verifier("secre"))
  })

  it("has the form that the server keeps", () => {
    assert.match(
      verifier("a password of some length, longer than a block of SHA-256 is"),
      /^\$A\$005\$[A-Za-z0-9]{20}[./0-9A-Za-z]{43}$/
    )
  })
})
