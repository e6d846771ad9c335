/** The configuration file of `berth-gateway`. Every problem is found at once and named by its field. */
import { readFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { Duration, Effect, Redacted, Result, Schema, SchemaIssue } from "effect"
import { limits } from "../client/Route.ts"
import * as Table from "../client/Table.ts"

export class ConfigRefused extends Schema.TaggedError<ConfigRefused>("@berth/gateway/ConfigRefused")("ConfigRefused", {
  code: Schema.Literal("CONFIG_REFUSED"),
  message: Schema.String
}) {
  static readonly of = (path: string, problems: ReadonlyArray<string>): ConfigRefused =>
    new ConfigRefused({ code: "CONFIG_REFUSED", message: `${path} cannot be used\n${problems.join("\n")}` })
}

const Workers = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 64 })))

const ConfigFile = Schema.Struct({
  /** Addresses to listen on. Default `0.0.0.0`. */
  listen: Schema.optionalKey(Schema.Union([Schema.NonEmptyString, Schema.NonEmptyArray(Schema.NonEmptyString)])),
  /** Data plane of routes that name none. Default `auto`. */
  plane: Schema.optionalKey(Schema.Literals(["auto", "userspace"])),
  /** Processes that carry bytes, 1 to 64. Default 1: the gateway itself. */
  workers: Schema.optionalKey(Workers),
  /** Path of the file that keeps the last good table. Left out: only `routes` survive a restart. */
  state: Schema.optionalKey(Schema.NonEmptyString),
  admin: Schema.optionalKey(
    Schema.Struct({
      /** `host:port`, or the path of a Unix socket. */
      address: Schema.NonEmptyString,
      /** Path of a file that holds the token. Required on an address that others reach. */
      tokenFile: Schema.optionalKey(Schema.NonEmptyString)
    })
  ),
  /** A public door for tunnels alone. Without certificate it speaks plain HTTP, for a proxy in front that ends TLS. */
  ws: Schema.optionalKey(
    Schema.Struct({
      address: Schema.NonEmptyString,
      certificate: Schema.optionalKey(Schema.NonEmptyString),
      key: Schema.optionalKey(Schema.NonEmptyString)
    })
  ),
  /** Limits of all routes together. */
  limits: Schema.optionalKey(Schema.Struct(limits)),
  /** DNS servers for targets by name. Left out: as the machine resolves. */
  dns: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** How long live sessions may go on after a SIGTERM. Default 30 seconds. */
  drain: Schema.optionalKey(Schema.DurationFromString),
  /** Log one line for each session at its end. Default true. */
  logSessions: Schema.optionalKey(Schema.Boolean),
  /** The table to begin with, and again whenever these routes change. Left out: the admin API alone decides. */
  routes: Schema.optionalKey(Schema.Array(Schema.Unknown))
})

export type Config = Omit<typeof ConfigFile.Type, "routes"> & {
  /** Checked already. */
  readonly routes: ReadonlyArray<unknown> | undefined
  readonly token: Redacted.Redacted | undefined
}

const decode = Schema.decodeUnknownResult(ConfigFile, { errors: "all", onExcessProperty: "error" })
const listIssues = SchemaIssue.makeFormatterStandardSchemaV1()
const because = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const shortestToken = 16

const readText = (path: string) => Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: because })

const readToken = Effect.fnUntraced(function* (path: string) {
  const token = (yield* readText(path)).trim()
  if (token.length < shortestToken) {
    return yield* Effect.fail(`the token has ${token.length} characters; ${shortestToken} are the least`)
  }
  return Redacted.make(token)
})

/** Reads and checks a configuration file, its routes and its token. */
export const load = Effect.fn("Config.load")(function* (path: string) {
  const refuse = (...problems: ReadonlyArray<string>) => ConfigRefused.of(path, problems)
  const text = yield* readText(path).pipe(Effect.mapError((why) => refuse(why)))
  const json: unknown = yield* Effect.try({ try: () => JSON.parse(text), catch: (error) => refuse(because(error)) })
  const decoded = decode(json)
  const problems: Array<string> = []
  if (Result.isFailure(decoded)) {
    for (const { path: at, message } of listIssues(decoded.failure.issue).issues) {
      problems.push(`${(at ?? []).map(String).join(".") || "(file)"}: ${message}`)
    }
    return yield* refuse(...problems)
  }
  const { routes, ...rest } = decoded.success
  const table = Table.fromUnknown(routes ?? [])
  if (Result.isFailure(table)) {
    problems.push(...table.failure.issues.map((issue) => `${issue.route}: ${issue.field}: ${issue.problem}`))
  }
  if (rest.ws !== undefined && (rest.ws.certificate === undefined) !== (rest.ws.key === undefined)) {
    problems.push("ws: certificate and key go together")
  }
  const tokenFile = rest.admin?.tokenFile
  const token = tokenFile === undefined ? undefined : yield* Effect.result(readToken(tokenFile))
  if (token !== undefined && Result.isFailure(token)) problems.push(`admin.tokenFile: ${token.failure}`)
  if (problems.length > 0) return yield* refuse(...problems)
  const config: Config = {
    ...rest,
    routes,
    token: token === undefined || Result.isFailure(token) ? undefined : token.success
  }
  return config
})

/** Milliseconds that live sessions have after a SIGTERM. */
export const drainMillis = (config: Config): number => Duration.toMillis(config.drain ?? Duration.seconds(30))

/** More workers than processors only cost. */
export const isTooMany = (workers: number): boolean => workers > availableParallelism()
