/** The only file that knows the driver `pg`. It is loaded when the first connection is made. */
import { Effect, Redacted, type Scope } from "effect"
import type { Client, DatabaseError, QueryResult } from "pg"
import type { Target } from "../Administration.ts"
import { EngineError, LoginRefused, NotReady, StatementFailed, Unreachable } from "../EngineError.ts"

/** Time for the connection and the login together, and for one statement. */
const connectMillis = 5_000
const statementMillis = 30_000

export interface Session {
  /** `action` finishes the sentence "The server could not …" when the statement fails. */
  readonly query: (
    action: string,
    text: string,
    values?: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<Record<string, unknown>>, EngineError>
}

const isDatabaseError = (error: unknown): error is DatabaseError =>
  error instanceof Error && "severity" in error && "code" in error

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** SQLSTATE classes: 28 is a refused login, 57P03 a server that starts or ends. (PostgreSQL, appendix A.) */
const connectError = (target: Target, error: unknown): EngineError => {
  const detail = textOf(error)
  if (isDatabaseError(error)) {
    if (error.code === "57P03") return new EngineError({ reason: new NotReady({ detail }) })
    if (error.code?.startsWith("28") === true) {
      return new EngineError({ reason: new LoginRefused({ username: target.username, detail }) })
    }
    return new EngineError({ reason: new StatementFailed({ action: `open "${target.database}"`, detail }) })
  }
  // The driver itself gives up when the server asks for a password and there is none.
  if (detail.startsWith("SASL:")) {
    return new EngineError({ reason: new LoginRefused({ username: target.username, detail: "it wants a password" }) })
  }
  return new EngineError({ reason: new Unreachable({ host: target.host, port: target.port, detail }) })
}

const open = (target: Target): Effect.Effect<Client, EngineError> =>
  Effect.tryPromise({
    try: async () => {
      const { default: pg } = await import("pg")
      const client = new pg.Client({
        host: target.host,
        port: target.port,
        user: target.username,
        password: Redacted.value(target.password),
        database: target.database,
        application_name: "berth",
        connectionTimeoutMillis: connectMillis,
        query_timeout: statementMillis,
        ssl: false
      })
      // A connection that dies between two statements is reported by the next statement.
      client.on("error", () => {})
      await client.connect()
      return client
    },
    catch: (error) => connectError(target, error)
  })

export const connect = (target: Target): Effect.Effect<Session, EngineError, Scope.Scope> =>
  Effect.acquireRelease(open(target), (client) => Effect.ignore(Effect.tryPromise(() => client.end()))).pipe(
    Effect.map((client) => ({
      query: (action, text, values = []) =>
        Effect.tryPromise({
          try: (): Promise<QueryResult<Record<string, unknown>>> => client.query(text, [...values]),
          catch: (error) => new EngineError({ reason: new StatementFailed({ action, detail: textOf(error) }) })
        }).pipe(Effect.map((result) => result.rows))
    }))
  )
