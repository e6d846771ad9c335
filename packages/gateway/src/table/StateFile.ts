/**
 * The last good table on disk. It is written beside its place, synced and renamed, so that a reader sees the old table or
 * the new one and never a part of either, whatever happens to the machine.
 */
import { open, readFile, rename, unlink } from "node:fs/promises"
import { dirname } from "node:path"
import { Effect, Option, Result, Schema } from "effect"
import { StateNotWritten } from "../client/Errors.ts"
import * as Table from "../client/Table.ts"

/** What is kept: the table, and from which file content it came, if from a file. */
export interface State {
  readonly table: Table.Table
  /** Digest of the routes in the configuration file that were last taken over. */
  readonly source: string | undefined
}

const StateJson = Schema.fromJsonString(
  Schema.Struct({
    version: Schema.Literal(1),
    revision: Table.Revision,
    source: Schema.optionalKey(Schema.String),
    routes: Schema.Array(Schema.Unknown)
  })
)

const because = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const unread = (error: unknown): { readonly missing: boolean; readonly why: string } => ({
  missing: error instanceof Error && "code" in error && error.code === "ENOENT",
  why: because(error)
})

const syncFolder = async (path: string) => {
  const folder = await open(dirname(path), "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const writeWhole = async (path: string, text: string): Promise<string> => {
  const beside = `${path}.${process.pid}.new`
  const file = await open(beside, "w", 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  return beside
}

/** A table that is safely on disk but not in its place yet. */
export interface Staged {
  readonly commit: Effect.Effect<void, StateNotWritten>
  readonly discard: Effect.Effect<void>
}

/** Writes and syncs; what can fail for want of space or rights fails here, before the table is in service. */
export const stage = (path: string, state: State): Effect.Effect<Staged, StateNotWritten> => {
  const { table, source } = state
  const text = JSON.stringify({
    version: 1,
    revision: table.revision,
    ...(source === undefined ? {} : { source }),
    routes: Table.toJson(table.routes)
  })
  const failed = (error: unknown) => StateNotWritten.of(path, because(error))
  return Effect.tryPromise({ try: () => writeWhole(path, text), catch: failed }).pipe(
    Effect.map((beside) => ({
      commit: Effect.tryPromise({ try: () => rename(beside, path).then(() => syncFolder(path)), catch: failed }),
      discard: Effect.ignore(Effect.tryPromise(() => unlink(beside)))
    }))
  )
}

/**
 * The table on disk; none when there is no file. A file that cannot be used is set aside with `.broken` after its name
 * and a warning: the gateway then starts as if there were none, which an operator can look at.
 */
export const load = Effect.fn("StateFile.load")(function* (path: string) {
  const read = yield* Effect.result(Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: unread }))
  if (Result.isFailure(read)) {
    if (!read.failure.missing) yield* setAside(path, read.failure.why)
    return Option.none<State>()
  }
  const decoded = Schema.decodeUnknownResult(StateJson)(read.success)
  if (Result.isFailure(decoded)) {
    yield* setAside(path, decoded.failure.message)
    return Option.none<State>()
  }
  const { revision, source, routes } = decoded.success
  const table = Table.fromUnknown(routes)
  if (Result.isFailure(table)) {
    yield* setAside(path, table.failure.message)
    return Option.none<State>()
  }
  return Option.some<State>({ table: { revision, routes: table.success }, source })
})

const setAside = (path: string, why: string) =>
  Effect.logError("the kept table cannot be used and is set aside").pipe(
    Effect.annotateLogs({ path, why }),
    Effect.andThen(Effect.ignore(Effect.tryPromise(() => rename(path, `${path}.broken`))))
  )
