/** The only file that knows the driver `@clickhouse/client`. It is loaded when the first call is made. */
import { Effect, Redacted, type Scope } from "effect"
import type { Target } from "../Administration.ts"
import { EngineError, LoginRefused, StatementFailed, Unreachable } from "../EngineError.ts"

/** Time for one request, its connection included. */
const requestMillis = 30_000

export interface Session {
  /** `action` finishes the sentence "The server could not …" when the statement fails. */
  readonly query: (action: string, text: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>, EngineError>
  /** A statement that answers with no rows. */
  readonly run: (action: string, text: string) => Effect.Effect<void, EngineError>
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Unknown user, wrong password, password required, authentication failed. (ClickHouse, src/Common/ErrorCodes.cpp.) */
const refusals = new Set(["192", "193", "194", "516"])

/** Servers before 20.x say the code in the text only. */
const codeOf = (error: unknown): string | undefined => {
  if (error instanceof Error && "code" in error && typeof error.code === "string" && /^\d+$/.test(error.code)) {
    return error.code
  }
  return /^\s*Code: (\d+)/.exec(textOf(error))?.[1]
}

const isServerError = (error: unknown): boolean =>
  error instanceof Error && ("type" in error || codeOf(error) !== undefined)

const toError = (target: Target, action: string, error: unknown): EngineError => {
  const detail = textOf(error)
  const code = codeOf(error)
  if (code !== undefined && refusals.has(code)) {
    return new EngineError({ reason: new LoginRefused({ username: target.username, detail }) })
  }
  if (isServerError(error)) return new EngineError({ reason: new StatementFailed({ action, detail }) })
  return new EngineError({ reason: new Unreachable({ host: target.host, port: target.port, detail }) })
}

const isRow = (row: unknown): row is Record<string, unknown> => typeof row === "object" && row !== null

/** HTTP holds no session: each statement is a request with the login. */
export const connect = (target: Target): Effect.Effect<Session, EngineError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const { createClient, ClickHouseLogLevel } = await import("@clickhouse/client")
        const host = target.host.includes(":") ? `[${target.host}]` : target.host
        return createClient({
          url: `http://${host}:${target.port}`,
          username: target.username,
          password: Redacted.value(target.password),
          database: target.database,
          application: "berth",
          request_timeout: requestMillis,
          max_open_connections: 1,
          keep_alive: { enabled: false },
          log: { level: ClickHouseLogLevel.OFF }
        })
      },
      catch: (error) => toError(target, "load its driver", error)
    }),
    (client) => Effect.ignore(Effect.tryPromise(() => client.close()))
  ).pipe(
    Effect.map((client) => ({
      query: (action, query) =>
        Effect.tryPromise({
          try: async () => {
            const answer = await client.query({ query, format: "JSONEachRow" })
            const rows: ReadonlyArray<unknown> = await answer.json()
            return rows.filter(isRow)
          },
          catch: (error) => toError(target, action, error)
        }),
      run: (action, query) =>
        Effect.tryPromise({
          try: async () => {
            await client.command({ query })
          },
          catch: (error) => toError(target, action, error)
        })
    }))
  )
