/** What MySQL and MariaDB administration have in common; they differ in how an account's password is set. */
import { Effect } from "effect"
import type { Administration } from "../Administration.ts"
import type { Login } from "../Engine.ts"
import { EngineError, StatementFailed } from "../EngineError.ts"
import { connect } from "./client.ts"
import { account, grantPattern, identifier } from "./sql.ts"

/** The clause after `CREATE USER 'name'@'%'`. */
export type Identified = (login: Login) => string

export const administration = (identified: Identified): Administration => ({
  ping: (target) =>
    Effect.scoped(connect(target).pipe(Effect.flatMap((session) => session.query("answer", "SELECT 1")))).pipe(
      Effect.asVoid
    ),

  facts: Effect.fnUntraced(function* (target) {
    const session = yield* connect(target)
    const rows = yield* session.query("say where its data is", "SELECT VERSION() AS version, @@datadir AS folder")
    return {
      // `11.8.6-MariaDB-log` and its like.
      version: /^[\d.]+/.exec(String(rows[0]?.version))?.[0] ?? String(rows[0]?.version),
      dataFolder: String(rows[0]?.folder).replace(/\/$/, "")
    }
  }, Effect.scoped),

  createApp: Effect.fnUntraced(function* (admin, app) {
    const session = yield* connect(admin)
    const user = account(app.username)
    yield* session.query(`make the user "${app.username}"`, `CREATE USER IF NOT EXISTS ${user} ${identified(app)}`)
    yield* session.query(`set the password of "${app.username}"`, `ALTER USER ${user} ${identified(app)}`)
    yield* session.query(
      `make the database "${app.database}"`,
      `CREATE DATABASE IF NOT EXISTS ${identifier(app.database)} CHARACTER SET utf8mb4`
    )
    yield* session.query(
      `give the database "${app.database}" to its user`,
      `GRANT ALL PRIVILEGES ON ${grantPattern(app.database)}.* TO ${user}`
    )
  }, Effect.scoped),

  write: Effect.fnUntraced(function* (app) {
    const session = yield* connect(app)
    // A table that a crash left is taken over. Making and dropping one commits by itself, each to the disk.
    yield* session.query("make a table", "CREATE TABLE IF NOT EXISTS berth_proof (value bigint)")
    yield* session.query("write a row", "INSERT INTO berth_proof VALUES (42)")
    const rows = yield* session.query("read the row", "SELECT MAX(value) AS value FROM berth_proof")
    yield* session.query("remove the table", "DROP TABLE IF EXISTS berth_proof")
    if (String(rows[0]?.value) !== "42") {
      const detail = `it answered ${String(rows[0]?.value)} where 42 was written`
      return yield* new EngineError({ reason: new StatementFailed({ action: "keep what was written", detail }) })
    }
  }, Effect.scoped)
})
