/** Administration of a MongoDB server. */
import { Effect, Redacted, Schedule } from "effect"
import type { Administration } from "../Administration.ts"
import { EngineError, NotReady, StatementFailed } from "../EngineError.ts"
import { connect, type Session } from "./client.ts"

const collection = "berth_proof"

/** The set has one member, which calls itself by an address that is right whatever the container is called. */
const replicaSet = { _id: "berth", members: [{ _id: 0, host: "127.0.0.1:27017" }] }
const electionLimit = "30 seconds"

const awaitPrimary = (session: Session) =>
  session.command("say whether it takes writes", "admin", { hello: 1 }).pipe(
    Effect.filterOrFail(
      (hello) => hello.isWritablePrimary === true,
      () => new EngineError({ reason: new NotReady({ detail: "it is not primary yet" }) })
    ),
    Effect.retry({ schedule: Schedule.spaced("100 millis"), while: (error) => error.isRetryable }),
    Effect.timeoutOrElse({
      duration: electionLimit,
      orElse: () => Effect.fail(new EngineError({ reason: new NotReady({ detail: "it does not become primary" }) }))
    })
  )

/** A server that was started for a replica set says `isreplicaset` until it has one. */
const ensureReplicaSet = Effect.fnUntraced(function* (session: Session) {
  const hello = yield* session.command("describe itself", "admin", { hello: 1 })
  if (hello.isreplicaset !== true && hello.setName === undefined) return
  if (hello.isreplicaset === true) {
    yield* session.command("begin its replica set", "admin", { replSetInitiate: replicaSet })
  }
  yield* awaitPrimary(session)
})

const firstBatch = (answer: Readonly<Record<string, unknown>>): ReadonlyArray<unknown> => {
  const cursor = answer.cursor
  if (typeof cursor !== "object" || cursor === null || !("firstBatch" in cursor)) return []
  return Array.isArray(cursor.firstBatch) ? cursor.firstBatch : []
}

const folderIn = (options: Readonly<Record<string, unknown>>): string => {
  const parsed = options.parsed
  if (typeof parsed !== "object" || parsed === null || !("storage" in parsed)) return ""
  const storage = parsed.storage
  return typeof storage === "object" && storage !== null && "dbPath" in storage ? String(storage.dbPath) : ""
}

export const administration: Administration = {
  // `ping` itself is answered to anybody; the login comes before it, with the connection.
  ping: (target) =>
    Effect.scoped(
      connect(target).pipe(Effect.flatMap((session) => session.command("answer", target.database, { ping: 1 })))
    ).pipe(Effect.asVoid),

  facts: Effect.fnUntraced(function* (target) {
    const session = yield* connect(target)
    const build = yield* session.command("tell its version", "admin", { buildInfo: 1 })
    const options = yield* session.command("say where its data is", "admin", { getCmdLineOpts: 1 })
    return { version: String(build.version), dataFolder: folderIn(options) }
  }, Effect.scoped),

  createApp: Effect.fnUntraced(function* (admin, app) {
    const session = yield* connect(admin)
    yield* ensureReplicaSet(session)
    const found = yield* session.command("read its users", app.database, { usersInfo: app.username })
    const isThere = Array.isArray(found.users) && found.users.length > 0
    yield* session.command(`make the user "${app.username}"`, app.database, {
      [isThere ? "updateUser" : "createUser"]: app.username,
      pwd: Redacted.value(app.password),
      roles: [
        { role: "readWrite", db: app.database },
        { role: "dbAdmin", db: app.database }
      ]
    })
  }, Effect.scoped),

  write: Effect.fnUntraced(function* (app) {
    const session = yield* connect(app)
    const writeConcern = { w: "majority", j: true }
    yield* session.command("write a document", app.database, {
      insert: collection,
      documents: [{ value: 42 }],
      writeConcern
    })
    const answer = yield* session.command("read the document", app.database, {
      find: collection,
      filter: { value: 42 },
      limit: 1
    })
    yield* session.command("remove the collection", app.database, { drop: collection, writeConcern })
    if (firstBatch(answer).length !== 1) {
      const detail = "it did not find the document that was written"
      return yield* new EngineError({ reason: new StatementFailed({ action: "keep what was written", detail }) })
    }
  }, Effect.scoped)
}
