import { createHash, createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { versionOf } from "../../src/postgres/programs.ts"
import { verifier } from "../../src/postgres/scram.ts"
import { identifier, literal } from "../../src/postgres/sql.ts"

describe("a SCRAM-SHA-256 verifier", () => {
  // The exchange of RFC 7677, section 3: the server's signature and the client's proof follow from the two keys.
  const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
  const salt = "W22ZaJ0SNY7soEsUEjb6gQ=="
  const exchange = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`
  const [, , keys = ""] = verifier("pencil", Buffer.from(salt, "base64")).split("$")
  const [storedKey = "", serverKey = ""] = keys.split(":")
  const sign = (key: Buffer) => createHmac("sha256", key).update(exchange).digest()

  it("signs as the server of the RFC does", () => {
    const signature = sign(Buffer.from(serverKey, "base64")).toString("base64")
    assert.strictEqual(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
  })

  it("takes the proof of the RFC's client", () => {
    const signature = sign(Buffer.from(storedKey, "base64"))
    const proof = Buffer.from("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "base64")
    const clientKey = proof.map((byte, index) => byte ^ (signature[index] ?? 0))
    assert.strictEqual(createHash("sha256").update(clientKey).digest("base64"), storedKey)
  })
})

describe("quoting", () => {
  it("lets no name and no text end early", () => {
    assert.strictEqual(identifier('a"; DROP ROLE b; --'), '"a""; DROP ROLE b; --"')
    assert.strictEqual(literal("it's"), "'it''s'")
  })
})

describe("the version of a program", () => {
  it("is read from what it prints, whoever packaged it", () => {
    assert.strictEqual(versionOf("postgres (PostgreSQL) 18.4\n"), "18.4")
    assert.strictEqual(versionOf("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), "15.18")
    assert.isUndefined(versionOf("bash: postgres: command not found"))
  })
})
