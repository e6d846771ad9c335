/**
 * The tables of the store, one step after the other; a step that has landed is never changed. Moments are milliseconds
 * since 1970, values that nobody searches for are JSON. The statements are valid in SQLite and in Postgres.
 */
import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"

const statements = (texts: ReadonlyArray<string>) =>
  SqlClient.SqlClient.use((sql) => Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true }))

const foundation = statements([
  `CREATE TABLE berth_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,

  `CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
  )`,

  `CREATE TABLE environments (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    branch TEXT,
    host TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (app_id, name)
  )`,

  `CREATE TABLE databases (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    name TEXT NOT NULL,
    engine TEXT NOT NULL,
    version TEXT NOT NULL,
    limits TEXT,
    adopts TEXT,
    phase TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (environment_id, name)
  )`,

  `CREATE TABLE credentials (
    database_id TEXT NOT NULL REFERENCES databases (id),
    role TEXT NOT NULL,
    username TEXT NOT NULL,
    database_name TEXT NOT NULL,
    sealed_password TEXT NOT NULL,
    PRIMARY KEY (database_id, role)
  )`,

  // No reference to `databases`: the operation that deleted a database outlives it.
  `CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    database_id TEXT NOT NULL,
    database_name TEXT NOT NULL,
    verb TEXT NOT NULL,
    initiator TEXT NOT NULL,
    status TEXT NOT NULL,
    keep_data BOOLEAN NOT NULL DEFAULT FALSE,
    cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
    error TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
  )`,
  // What keeps two verbs of one database from overlapping, whoever starts them.
  `CREATE UNIQUE INDEX operations_one_active ON operations (database_id) WHERE ended_at IS NULL`,
  `CREATE INDEX operations_by_database ON operations (database_id, created_at)`,

  `CREATE TABLE operation_lines (
    operation_id TEXT NOT NULL REFERENCES operations (id),
    seq INTEGER NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    step TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (operation_id, seq)
  )`,

  `CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    database_id TEXT NOT NULL REFERENCES databases (id),
    operation_id TEXT NOT NULL UNIQUE REFERENCES operations (id),
    commit_hash TEXT
  )`,
  `CREATE INDEX deployments_by_database ON deployments (database_id)`
])

export const migrate = Migrator.make({})({
  loader: Migrator.fromRecord({ "0001_foundation": foundation }),
  table: "berth_migrations"
})
