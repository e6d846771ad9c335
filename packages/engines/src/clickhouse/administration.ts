/**
 * Administration of a ClickHouse server over HTTP. Users of a server that Berth runs are in a file that its plan writes;
 * SQL makes them only on a server that was linked, whose files are out of reach.
 */
import { Effect, Redacted } from "effect"
import type { Administration, Target } from "../Administration.ts"
import type { Login } from "../Engine.ts"
import { EngineError, StatementFailed } from "../EngineError.ts"
import { connect, type Session } from "./client.ts"
import { identifier, literal } from "./sql.ts"

/** Servers before 20.x tell it through the folders of their databases. */
const dataFolder = Effect.fnUntraced(function* (session: Session) {
  const action = "say where its data is"
  const known = yield* session.query(
    action,
    "SELECT name FROM system.tables WHERE database = 'system' AND name = 'disks'"
  )
  const rows =
    known.length > 0
      ? yield* session.query(action, "SELECT path AS folder FROM system.disks WHERE name = 'default'")
      : yield* session.query(action, "SELECT data_path AS folder FROM system.databases WHERE name = 'system'")
  return String(rows[0]?.folder).replace(/(\/data\/system)?\/$/, "")
})

const canLogIn = (target: Target) =>
  Effect.scoped(connect(target).pipe(Effect.flatMap((session) => session.query("answer", "SELECT 1 AS one")))).pipe(
    Effect.as(true),
    Effect.catchReason("EngineError", "LoginRefused", () => Effect.succeed(false))
  )

const createUser = Effect.fnUntraced(function* (session: Session, app: Login) {
  const user = identifier(app.username)
  const identified = `IDENTIFIED WITH sha256_password BY ${literal(Redacted.value(app.password))}`
  const action = `make the user "${app.username}"`
  yield* session.run(action, `CREATE USER IF NOT EXISTS ${user} ${identified}`)
  yield* session.run(action, `ALTER USER ${user} ${identified}`)
  yield* session.run(action, `GRANT ALL ON ${identifier(app.database)}.* TO ${user}`)
})

const table = "berth_proof"

export const administration: Administration = {
  ping: (target) =>
    Effect.scoped(connect(target).pipe(Effect.flatMap((session) => session.query("answer", "SELECT 1 AS one")))).pipe(
      Effect.asVoid
    ),

  facts: Effect.fnUntraced(function* (target) {
    const session = yield* connect(target)
    const rows = yield* session.query("tell its version", "SELECT version() AS version")
    return { version: String(rows[0]?.version), dataFolder: yield* dataFolder(session) }
  }, Effect.scoped),

  createApp: Effect.fnUntraced(function* (admin, app) {
    const session = yield* connect(admin)
    yield* session.run(
      `make the database "${app.database}"`,
      `CREATE DATABASE IF NOT EXISTS ${identifier(app.database)}`
    )
    // The database is named once the login is known to work: a server refuses an unknown database first.
    if (yield* canLogIn({ ...app, host: admin.host, port: admin.port })) return
    yield* createUser(session, app)
  }, Effect.scoped),

  reload: Effect.fnUntraced(function* (admin) {
    const session = yield* connect(admin)
    yield* session.run("read its files again", "SYSTEM RELOAD CONFIG")
  }, Effect.scoped),

  write: Effect.fnUntraced(function* (app) {
    const session = yield* connect(app)
    yield* session.run("remove an old table", `DROP TABLE IF EXISTS ${table}`)
    yield* session.run("make a table", `CREATE TABLE ${table} (value Int64) ENGINE = TinyLog`)
    yield* session.run("write a row", `INSERT INTO ${table} VALUES (42)`)
    const rows = yield* session.query("read the row", `SELECT toString(max(value)) AS value FROM ${table}`)
    yield* session.run("remove the table", `DROP TABLE IF EXISTS ${table}`)
    if (String(rows[0]?.value) !== "42") {
      const detail = `it answered ${String(rows[0]?.value)} where 42 was written`
      return yield* new EngineError({ reason: new StatementFailed({ action: "keep what was written", detail }) })
    }
  }, Effect.scoped)
}
