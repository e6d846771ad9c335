/** Logins of databases: the app's, which is told, and the administrator's, which never leaves the SDK. */
import type { Login, Naming } from "@berth/engines"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { Database } from "../databases/Database.ts"
import { makePassword } from "../schema/ids.ts"
import { credentialOwner, Secrets } from "../secrets/secrets.ts"
import { inStore, type KeyMismatch, type StoreFailed } from "../store/StoreError.ts"

interface Row {
  readonly role: Role
  readonly username: string
  readonly database_name: string
  readonly sealed_password: string
}

type Role = "admin" | "app"

export interface Logins {
  readonly admin: Login
  readonly app: Login
}

export class CredentialStore extends Context.Service<
  CredentialStore,
  {
    /** `undefined` before the first deployment. */
    readonly find: (database: string) => Effect.Effect<Logins | undefined, KeyMismatch | StoreFailed>
    /** Draws both passwords. What is there already is kept, so that a deployment that is resumed uses the same ones. */
    readonly draw: (database: Database, admin: Naming, app: Naming) => Effect.Effect<void, StoreFailed>
    readonly remove: (database: string) => Effect.Effect<void, StoreFailed>
  }
>()("@berth/sdk/CredentialStore") {
  static readonly layer: Layer.Layer<CredentialStore, never, SqlClient.SqlClient | Secrets> = Layer.effect(
    CredentialStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const secrets = yield* Secrets

      const open = (database: string, row: Row) =>
        secrets
          .open(row.sealed_password, credentialOwner(database, row.role))
          .pipe(Effect.map((password): Login => ({ username: row.username, password, database: row.database_name })))

      return CredentialStore.of({
        find: Effect.fnUntraced(function* (database) {
          const rows = yield* inStore(sql<Row>`SELECT * FROM credentials WHERE database_id = ${database}`)
          const [admin, app] = [rows.find((row) => row.role === "admin"), rows.find((row) => row.role === "app")]
          if (admin === undefined || app === undefined) return undefined
          return { admin: yield* open(database, admin), app: yield* open(database, app) }
        }),
        draw: Effect.fnUntraced(function* (database, admin, app) {
          const names = { admin, app }
          const rows = yield* Effect.forEach(["admin", "app"] as const, (role) =>
            Effect.gen(function* () {
              const sealed = yield* secrets.seal(yield* makePassword, credentialOwner(database.id, role))
              const { username, database: database_name } = names[role]
              return { database_id: database.id, role, username, database_name, sealed_password: sealed }
            })
          )
          yield* inStore(sql`INSERT INTO credentials ${sql.insert(rows)} ON CONFLICT DO NOTHING`)
        }),
        remove: (database) => inStore(sql`DELETE FROM credentials WHERE database_id = ${database}`).pipe(Effect.asVoid)
      })
    })
  )
}
