/** The only file that knows the driver `mysql2`, for MySQL and MariaDB. It is loaded when the first connection is made. */
import { Effect, Redacted, type Scope } from "effect"
import type { Connection } from "mysql2/promise"
import type { Target } from "../Administration.ts"
import { EngineError, LoginRefused, NotReady, StatementFailed, Unreachable } from "../EngineError.ts"

/** Time for the connection and the login together, and for one statement. */
const connectMillis = 5_000
const statementMillis = 30_000

export interface Session {
  /** `action` finishes the sentence "The server could not …" when the statement fails. */
  readonly query: (action: string, text: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>, EngineError>
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "")

/** Access denied, with and without a password; no right to the database; account locked. (MySQL and MariaDB error reference.) */
const refusals = new Set([
  "ER_ACCESS_DENIED_ERROR",
  "ER_ACCESS_DENIED_NO_PASSWORD_ERROR",
  "ER_DBACCESS_DENIED_ERROR",
  "ER_ACCOUNT_HAS_BEEN_LOCKED"
])
const notYet = new Set(["ER_SERVER_SHUTDOWN", "ER_CON_COUNT_ERROR", "ER_NORMAL_SHUTDOWN"])

const connectError = (target: Target, error: unknown): EngineError => {
  const detail = textOf(error)
  const code = codeOf(error)
  if (refusals.has(code)) return new EngineError({ reason: new LoginRefused({ username: target.username, detail }) })
  if (notYet.has(code)) return new EngineError({ reason: new NotReady({ detail }) })
  if (code.startsWith("ER_")) {
    return new EngineError({ reason: new StatementFailed({ action: `open "${target.database}"`, detail }) })
  }
  return new EngineError({ reason: new Unreachable({ host: target.host, port: target.port, detail: detail || code }) })
}

const open = (target: Target): Effect.Effect<Connection, EngineError> =>
  Effect.tryPromise({
    try: async () => {
      const { default: mysql } = await import("mysql2/promise")
      const connection = await mysql.createConnection({
        host: target.host,
        port: target.port,
        user: target.username,
        password: Redacted.value(target.password),
        database: target.database,
        connectTimeout: connectMillis,
        supportBigNumbers: true,
        bigNumberStrings: true
      })
      // A connection that dies between two statements is reported by the next statement.
      connection.on("error", () => {})
      return connection
    },
    catch: (error) => connectError(target, error)
  }).pipe(
    Effect.timeoutOrElse({
      duration: connectMillis,
      orElse: () => Effect.fail(connectError(target, new Error("no answer in time")))
    })
  )

const close = (connection: Connection) =>
  Effect.tryPromise(() => connection.end()).pipe(
    Effect.timeout(connectMillis),
    Effect.catch(() => Effect.sync(() => connection.destroy()))
  )

const isRow = (row: unknown): row is Record<string, unknown> => typeof row === "object" && row !== null

export const connect = (target: Target): Effect.Effect<Session, EngineError, Scope.Scope> =>
  Effect.acquireRelease(open(target), close).pipe(
    Effect.map((connection) => ({
      query: (action, sql) =>
        Effect.tryPromise({
          try: () => connection.query({ sql, timeout: statementMillis }),
          catch: (error) => new EngineError({ reason: new StatementFailed({ action, detail: textOf(error) }) })
        }).pipe(
          Effect.map(([rows]) => {
            const all: ReadonlyArray<unknown> = Array.isArray(rows) ? rows : []
            return all.filter(isRow)
          })
        )
    }))
  )
