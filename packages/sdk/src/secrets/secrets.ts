/**
 * Secrets at rest: sealed with AES-256-GCM under a key of the key ring. What a secret belongs to is part of the seal,
 * so a sealed text that was moved to another place does not open there.
 */

import { Context, Effect, Layer, Redacted } from "effect"
import { Aead, SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import { inStore, KeyMismatch, type StoreFailed } from "../store/StoreError.ts"
import { KeyRing } from "./KeyRing.ts"

/** `v1.<key id>.<nonce>.<sealed bytes>`, the last two in base 64 for URLs. */
const version = "v1"

/** The text whose opening proves at every start that the key ring is the right one. */
const probe = { name: "key-check", owner: "berth/key-check" }

export class Secrets extends Context.Service<
  Secrets,
  {
    /** `owner` names what the secret belongs to, such as `db_x/app`. */
    readonly seal: (secret: Redacted.Redacted, owner: string) => Effect.Effect<string>
    readonly open: (sealed: string, owner: string) => Effect.Effect<Redacted.Redacted, KeyMismatch>
  }
>()("@berth/sdk/Secrets") {
  static readonly layer: Layer.Layer<
    Secrets,
    KeyMismatch | StoreFailed,
    KeyRing | Aead.Aead | SecureRandom.SecureRandom | SqlClient.SqlClient
  > = Layer.effect(
    Secrets,
    Effect.gen(function* () {
      const ring = yield* KeyRing
      const aead = yield* Aead.Aead
      const random = yield* SecureRandom.SecureRandom
      const keys = new Map<string, Aead.Key<Aead.AesGcm>>()
      for (const [id, text] of Object.entries(ring.keys)) {
        const bytes = Buffer.from(Redacted.value(text), "base64")
        keys.set(id, yield* Effect.orDie(Aead.key(Aead.aes256Gcm, bytes)))
      }

      const seal = Effect.fnUntraced(function* (secret: Redacted.Redacted, owner: string) {
        const key = keys.get(ring.primary)
        if (key === undefined) return yield* Effect.die(new Error(`no key "${ring.primary}" in the key ring`))
        // 96 random bits: a collision is out of reach for the few million secrets that one key will ever seal.
        const nonce = yield* random.randomBytes(Aead.aes256Gcm.nonceLength)
        const plain = Buffer.from(Redacted.value(secret))
        const sealed = yield* aead.encrypt(key, plain, { nonce, aad: Buffer.from(owner) })
        return [version, ring.primary, base64(nonce), base64(sealed)].join(".")
      }, Effect.orDie)

      const open = Effect.fnUntraced(function* (sealed: string, owner: string) {
        const [, keyId = "", nonce = "", data = ""] = sealed.split(".")
        const key = keys.get(keyId)
        if (key === undefined) return yield* new KeyMismatch({ keyId })
        const plain = yield* aead
          .decrypt(key, Buffer.from(data, "base64url"), {
            nonce: Buffer.from(nonce, "base64url"),
            aad: Buffer.from(owner)
          })
          .pipe(Effect.mapError(() => new KeyMismatch({ keyId })))
        return Redacted.make(Buffer.from(plain).toString("utf8"))
      })

      const secrets = Secrets.of({ seal, open })
      yield* checkKeys(secrets)
      yield* sealAnew(secrets, ring.primary)
      return secrets
    })
  )
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url")

const checkKeys = Effect.fnUntraced(function* (secrets: Secrets["Service"]) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* inStore(
    sql<{ readonly value: string }>`SELECT value FROM berth_settings WHERE name = ${probe.name}`
  )
  if (row !== undefined) return void (yield* secrets.open(row.value, probe.owner))
  const value = yield* secrets.seal(Redacted.make("berth"), probe.owner)
  yield* inStore(sql`INSERT INTO berth_settings ${sql.insert({ name: probe.name, value })}`)
})

/** After a change of the primary key: everything that another key sealed is sealed with the new one, all or nothing. */
const sealAnew = Effect.fnUntraced(function* (secrets: Secrets["Service"], primary: string) {
  const sql = yield* SqlClient.SqlClient
  const old = `${version}.${primary}.%`
  const again = (sealed: string, owner: string) =>
    secrets.open(sealed, owner).pipe(Effect.flatMap((secret) => secrets.seal(secret, owner)))
  const rows = yield* inStore(
    sql<{ readonly database_id: string; readonly role: string; readonly sealed_password: string }>`
      SELECT database_id, role, sealed_password FROM credentials WHERE sealed_password NOT LIKE ${old}`
  )
  const settings = yield* inStore(
    sql<{ readonly value: string }>`
      SELECT value FROM berth_settings WHERE name = ${probe.name} AND value NOT LIKE ${old}`
  )
  if (rows.length + settings.length === 0) return
  yield* Effect.gen(function* () {
    for (const row of rows) {
      const sealed = yield* again(row.sealed_password, credentialOwner(row.database_id, row.role))
      yield* sql`UPDATE credentials SET sealed_password = ${sealed}
        WHERE database_id = ${row.database_id} AND role = ${row.role}`
    }
    for (const { value } of settings) {
      yield* sql`UPDATE berth_settings SET value = ${yield* again(value, probe.owner)} WHERE name = ${probe.name}`
    }
  }).pipe(sql.withTransaction, inStore)
})

/** What the password of a login belongs to. */
export const credentialOwner = (databaseId: string, role: string): string => `${databaseId}/${role}`
