/** What can go wrong between Berth and its own state. */
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"

/** Another process, or this one, has this data directory open. */
export class DataDirInUse extends Schema.TaggedError<DataDirInUse>()("DataDirInUse", {
  folder: Schema.String,
  owner: Schema.String
}) {
  readonly code = "DATA_DIR_IN_USE"
  override get message(): string {
    return `The data directory ${this.folder} is open already, in ${this.owner}. Close it there first, or use another data directory.`
  }
}

/** The folder holds something, and nothing in it says that it is a data directory of Berth. */
export class DataDirNotOurs extends Schema.TaggedError<DataDirNotOurs>()("DataDirNotOurs", {
  folder: Schema.String,
  found: Schema.String
}) {
  readonly code = "DATA_DIR_NOT_OURS"
  override get message(): string {
    return `${this.folder} is not a data directory of Berth (it holds ${this.found}), so nothing was written into it. Choose an empty folder or one that does not exist.`
  }
}

/** The store's file is not whole. */
export class StoreCorrupted extends Schema.TaggedError<StoreCorrupted>()("StoreCorrupted", {
  file: Schema.String,
  detail: Schema.String
}) {
  readonly code = "STORE_CORRUPTED"
  override get message(): string {
    return `The store ${this.file} is damaged (${this.detail}), so it was not opened. Put back a copy of the file; the servers are not touched by this.`
  }
}

/** The keys that were given are not the ones that sealed the secrets in the store. */
export class KeyMismatch extends Schema.TaggedError<KeyMismatch>()("KeyMismatch", { keyId: Schema.String }) {
  readonly code = "KEY_MISMATCH"
  override get message(): string {
    return `The secrets in the store were sealed with the key "${this.keyId}", and the key ring has no such key or another one under that name. Put the right key back into the key ring; nothing was changed.`
  }
}

/** The store could not do what was asked of it. */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  detail: Schema.String,
  full: Schema.Boolean
}) {
  readonly code = "STORE_FAILED"
  override get message(): string {
    const next = this.full ? "The disk is full: free some space and try again." : "Try again; nothing was half done."
    return `The store failed: ${this.detail}. ${next}`
  }
}

/** SQLITE_FULL. (sqlite.org, "Result and Error Codes".) */
const sqliteFull = 13

const numberOf = (cause: unknown): number | undefined =>
  cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number" ? cause.errcode & 0xff : undefined

export const storeFailed = (error: SqlError.SqlError): StoreFailed =>
  new StoreFailed({
    detail: error.reason.message,
    full: numberOf(error.reason.cause) === sqliteFull || /ENOSPC|disk is full/i.test(error.reason.message)
  })

const isSqlError = (error: unknown): error is SqlError.SqlError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "SqlError"

/** Turns the store's own failures into the one error that callers see. */
export const inStore = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, SqlError.SqlError> | StoreFailed, R> =>
  Effect.mapError(effect, (error) =>
    isSqlError(error) ? storeFailed(error) : (error as Exclude<E, SqlError.SqlError>)
  )

/** A unique constraint said no: `error` tells the caller what that means. */
export const whenTaken =
  <E2>(error: () => E2) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
    Effect.mapError(effect, (cause) => (isSqlError(cause) && cause.reason._tag === "UniqueViolation" ? error() : cause))
