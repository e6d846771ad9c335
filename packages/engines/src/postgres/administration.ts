/** Administration of a Postgres server. */
import { Effect, Redacted } from "effect"
import type { Administration } from "../Administration.ts"
import { EngineError, StatementFailed } from "../EngineError.ts"
import { connect, type Session } from "./client.ts"
import { verifier } from "./scram.ts"
import { identifier, literal } from "./sql.ts"

const exists = (session: Session, catalog: "pg_roles" | "pg_database", name: string) =>
  session
    .query(
      "read its catalog",
      `SELECT 1 FROM ${catalog} WHERE ${catalog === "pg_roles" ? "rolname" : "datname"} = $1`,
      [name]
    )
    .pipe(Effect.map((rows) => rows.length > 0))

/** What the app's role may: log in, and nothing that reaches beyond its own database. */
export const appRights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"

export const administration: Administration = {
  ping: (target) =>
    Effect.scoped(connect(target).pipe(Effect.flatMap((session) => session.query("answer", "SELECT 1")))).pipe(
      Effect.asVoid
    ),

  facts: Effect.fnUntraced(function* (target) {
    const session = yield* connect(target)
    const rows = yield* session.query(
      "say where its data is",
      "SELECT current_setting('server_version') AS version, current_setting('data_directory') AS folder"
    )
    return { version: String(rows[0]?.version), dataFolder: String(rows[0]?.folder) }
  }, Effect.scoped),

  createApp: Effect.fnUntraced(function* (admin, app) {
    const session = yield* connect(admin)
    const role = identifier(app.username)
    const verb = (yield* exists(session, "pg_roles", app.username)) ? "ALTER" : "CREATE"
    const password = literal(verifier(Redacted.value(app.password)))
    yield* session.query(`make the user "${app.username}"`, `${verb} ROLE ${role} ${appRights} PASSWORD ${password}`)
    const database = identifier(app.database)
    if (!(yield* exists(session, "pg_database", app.database))) {
      yield* session.query(`make the database "${app.database}"`, `CREATE DATABASE ${database} OWNER ${role}`)
    }
    yield* session.query(
      `close the database "${app.database}" to others`,
      `REVOKE ALL ON DATABASE ${database} FROM PUBLIC; ALTER DATABASE ${database} OWNER TO ${role}`
    )
  }, Effect.scoped),

  write: Effect.fnUntraced(function* (app) {
    const session = yield* connect(app)
    // One transaction that drops what it made: its commit has to reach the disk, and nothing is left behind.
    yield* session.query("begin a transaction", "BEGIN")
    yield* session.query("make a table", "CREATE TABLE berth_proof (value bigint)")
    const rows = yield* session.query("write a row", "INSERT INTO berth_proof VALUES (42) RETURNING value")
    yield* session.query("remove the table", "DROP TABLE berth_proof")
    yield* session.query("commit", "COMMIT")
    if (String(rows[0]?.value) !== "42") {
      const detail = `it answered ${String(rows[0]?.value)} where 42 was written`
      return yield* new EngineError({ reason: new StatementFailed({ action: "keep what was written", detail }) })
    }
  }, Effect.scoped)
}
