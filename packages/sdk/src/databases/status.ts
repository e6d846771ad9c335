/** Where a database stands: what its last verb left, what runs on it now, and what its host says. */
import type { ServerState } from "@berth/engines"
import type { Operation } from "../operations/Operation.ts"
import type { Observed } from "./actions.ts"
import { type Database, type DatabaseStatus, verbing } from "./Database.ts"

/** What a host says about the server of one database. */
export type Observation =
  | ServerState
  /** The host has nothing of it. */
  | { readonly _tag: "Missing" }
  | { readonly _tag: "Unreachable"; readonly why: string }

export interface Status {
  readonly status: DatabaseStatus
  /** Why, when the status is not what was asked for. */
  readonly reason: string | undefined
}

const endingOf = (ending: { readonly how: string; readonly lastLines: ReadonlyArray<string> }): string =>
  ending.lastLines.length === 0
    ? `its server ended: ${ending.how}`
    : `its server ended: ${ending.how}. Its last line: ${ending.lastLines.at(-1)}`

/** `lastFailure` is why the last operation came to nothing, if it did. */
export const statusOf = (
  database: Pick<Database, "phase">,
  active: Pick<Operation, "verb"> | undefined,
  observation: Observation | undefined,
  lastFailure: string | undefined
): Status => {
  if (active !== undefined) return { status: verbing[active.verb], reason: undefined }
  if (database.phase === "created") return { status: "created", reason: undefined }
  if (database.phase === "failed") return { status: "failed", reason: lastFailure }
  switch (observation?._tag) {
    case "Missing":
      return { status: "missing", reason: "its server is not on the host any more: it was removed without Berth" }
    case "Unreachable":
      return { status: "unreachable", reason: observation.why }
    case "Running":
      return database.phase === "running"
        ? { status: "running", reason: undefined }
        : { status: "running", reason: "it was started without Berth, which has it as stopped" }
    case "Ended":
      return database.phase === "running"
        ? { status: "crashed", reason: endingOf(observation.ending) }
        : { status: "stopped", reason: undefined }
    case "Stopped":
      return database.phase === "running"
        ? { status: "crashed", reason: lastFailure ?? "its server was stopped without Berth" }
        : { status: "stopped", reason: undefined }
    default:
      return { status: database.phase, reason: undefined }
  }
}

/** What the rules of `actions` want to know of an observation. */
export const observedOf = (observation: Observation | undefined): Observed => {
  switch (observation?._tag) {
    case "Running":
      return "up"
    case "Stopped":
    case "Ended":
    case "Missing":
      return "down"
    default:
      return "unknown"
  }
}
