/** Administration of a Redis or Valkey server. */
import { Effect } from "effect"
import type { Administration } from "../Administration.ts"
import { EngineError, StatementFailed } from "../EngineError.ts"
import { appRules, hash } from "./acl.ts"
import { connect } from "./client.ts"

const proofKey = "berth:proof"

/** Valkey names the Redis version that it is compatible with, and then its own. */
const versionIn = (info: string): string =>
  /^valkey_version:(\S+)/m.exec(info)?.[1] ?? /^redis_version:(\S+)/m.exec(info)?.[1] ?? "unknown"

/** `CONFIG GET` answers with a map, or with a list in the older protocol. */
const valueIn = (answer: unknown): string => {
  if (Array.isArray(answer)) return String(answer[1])
  if (answer instanceof Map) return String([...answer.values()][0])
  if (typeof answer === "object" && answer !== null) return String(Object.values(answer)[0])
  return ""
}

export const administration: Administration = {
  ping: (target) =>
    Effect.scoped(connect(target).pipe(Effect.flatMap((session) => session.command("answer", ["PING"])))).pipe(
      Effect.asVoid
    ),

  facts: Effect.fnUntraced(function* (target) {
    const session = yield* connect(target)
    const info = yield* session.command("tell its version", ["INFO", "server"])
    const folder = yield* session.command("say where its data is", ["CONFIG", "GET", "dir"])
    return { version: versionIn(String(info)), dataFolder: valueIn(folder) }
  }, Effect.scoped),

  createApp: Effect.fnUntraced(function* (admin, app) {
    const session = yield* connect(admin)
    const rules = ["reset", "on", hash(app.password), ...appRules]
    yield* session.command(`make the user "${app.username}"`, ["ACL", "SETUSER", app.username, ...rules])
    yield* session.command("keep its users", ["ACL", "SAVE"])
  }, Effect.scoped),

  write: Effect.fnUntraced(function* (app) {
    const session = yield* connect(app)
    // Gone by itself if a crash leaves it.
    yield* session.command("write a key", ["SET", proofKey, "42", "EX", "60"])
    const value = yield* session.command("read the key", ["GET", proofKey])
    yield* session.command("remove the key", ["DEL", proofKey])
    if (String(value) !== "42") {
      const detail = `it answered ${String(value)} where 42 was written`
      return yield* new EngineError({ reason: new StatementFailed({ action: "keep what was written", detail }) })
    }
  }, Effect.scoped)
}
