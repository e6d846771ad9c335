/** The only file that knows the driver `mongodb`. It is loaded when the first connection is made. */
import { Effect, Redacted, type Scope } from "effect"
import type { Document } from "mongodb"
import type { Target } from "../Administration.ts"
import { EngineError, LoginRefused, NotReady, StatementFailed, Unreachable } from "../EngineError.ts"

/** Time for the connection and the login together, and for one command. */
const connectMillis = 5_000
const commandMillis = 30_000

export interface Session {
  /** `action` finishes the sentence "The server could not …" when the command fails. */
  readonly command: (
    action: string,
    database: string,
    command: Document
  ) => Effect.Effect<Readonly<Record<string, unknown>>, EngineError>
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined

/** Unauthorized and AuthenticationFailed; states of a server that starts, ends or elects. (MongoDB, error_codes.yml.) */
const refusals = new Set([13, 18])
const notYet = new Set([91, 189, 10_107, 11_600, 11_602, 13_435, 13_436])

const toError = (target: Target, error: unknown, otherwise: (detail: string) => EngineError): EngineError => {
  const detail = textOf(error)
  const code = codeOf(error)
  // The driver itself refuses to log in without a password.
  const isEmpty = error instanceof Error && /^Mongo(InvalidArgument|MissingCredentials)Error$/.test(error.name)
  if (isEmpty || (code !== undefined && refusals.has(code))) {
    return new EngineError({ reason: new LoginRefused({ username: target.username, detail }) })
  }
  if (code !== undefined && notYet.has(code)) return new EngineError({ reason: new NotReady({ detail }) })
  return otherwise(detail)
}

const open = (target: Target) =>
  Effect.tryPromise({
    try: async () => {
      const { MongoClient } = await import("mongodb")
      const client = new MongoClient(
        `mongodb://${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`,
        {
          // A user lives in the database that it was made in.
          auth: { username: target.username, password: Redacted.value(target.password) },
          authSource: target.database,
          // The name that a replica set's member has for itself is not where it is reached from here.
          directConnection: true,
          appName: "berth",
          maxPoolSize: 1,
          retryReads: false,
          retryWrites: false,
          connectTimeoutMS: connectMillis,
          serverSelectionTimeoutMS: connectMillis,
          socketTimeoutMS: commandMillis
        }
      )
      await client.connect().catch(async (cause) => {
        await client.close().catch(() => {})
        throw cause
      })
      return client
    },
    catch: (error) =>
      toError(
        target,
        error,
        (detail) => new EngineError({ reason: new Unreachable({ host: target.host, port: target.port, detail }) })
      )
  })

export const connect = (target: Target): Effect.Effect<Session, EngineError, Scope.Scope> =>
  Effect.acquireRelease(open(target), (client) => Effect.ignore(Effect.tryPromise(() => client.close()))).pipe(
    Effect.map((client) => ({
      command: (action, database, command) =>
        Effect.tryPromise({
          try: (): Promise<Readonly<Record<string, unknown>>> => client.db(database).command(command),
          catch: (error) =>
            toError(target, error, (detail) => new EngineError({ reason: new StatementFailed({ action, detail }) }))
        })
    }))
  )
