/** The only file that knows the driver `redis`, for Redis and Valkey. It is loaded when the first connection is made. */
import { Effect, Redacted, type Scope } from "effect"
import type { Target } from "../Administration.ts"
import { EngineError, LoginRefused, NotReady, StatementFailed, Unreachable } from "../EngineError.ts"

/** Time for the connection and the login together, and for one command. */
const connectMillis = 5_000
const commandMillis = 30_000

export interface Session {
  /** `action` finishes the sentence "The server could not …" when the command fails. */
  readonly command: (action: string, words: ReadonlyArray<string>) => Effect.Effect<unknown, EngineError>
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The first word of an error is its code. (Redis, "RESP protocol", simple errors.) */
const classify = (target: Target, error: unknown): EngineError | undefined => {
  const detail = textOf(error)
  if (/^(WRONGPASS|NOAUTH|NOPERM.*auth)/i.test(detail)) {
    return new EngineError({ reason: new LoginRefused({ username: target.username, detail }) })
  }
  if (/^(LOADING|BUSY|MASTERDOWN)/.test(detail)) return new EngineError({ reason: new NotReady({ detail }) })
  return undefined
}

const open = (target: Target) =>
  Effect.tryPromise({
    try: async () => {
      const { createClient } = await import("redis")
      const client = createClient({
        username: target.username,
        password: Redacted.value(target.password),
        database: Number(target.database),
        name: "berth",
        // One round trip for the login instead of four; there is nothing for the server to tell us later.
        disableClientInfo: true,
        maintNotifications: "disabled",
        socket: {
          host: target.host,
          port: target.port,
          connectTimeout: connectMillis,
          reconnectStrategy: false
        }
      })
      // A connection that dies between two commands is reported by the next command.
      client.on("error", () => {})
      await client.connect().catch((cause) => {
        client.destroy()
        throw cause
      })
      return client
    },
    catch: (error) =>
      classify(target, error) ??
      new EngineError({ reason: new Unreachable({ host: target.host, port: target.port, detail: textOf(error) }) })
  }).pipe(
    Effect.timeoutOrElse({
      duration: connectMillis,
      orElse: () =>
        Effect.fail(
          new EngineError({
            reason: new Unreachable({ host: target.host, port: target.port, detail: "no answer in time" })
          })
        )
    })
  )

export const connect = (target: Target): Effect.Effect<Session, EngineError, Scope.Scope> =>
  Effect.acquireRelease(open(target), (client) => Effect.sync(() => client.destroy())).pipe(
    Effect.map((client) => ({
      command: (action, words) =>
        Effect.tryPromise({
          try: (): Promise<unknown> => client.sendCommand([...words]),
          catch: (error) =>
            classify(target, error) ??
            new EngineError({ reason: new StatementFailed({ action, detail: textOf(error) }) })
        }).pipe(
          Effect.timeoutOrElse({
            duration: commandMillis,
            orElse: () =>
              Effect.fail(new EngineError({ reason: new StatementFailed({ action, detail: "no answer in time" }) }))
          })
        )
    }))
  )
