/** One run of a verb that changes something. */
import { Schema } from "effect"

export const Verb = Schema.Literals(["deploy", "start", "restart", "stop", "delete"])
export type Verb = typeof Verb.Type

export const OperationStatus = Schema.Literals(["queued", "running", "succeeded", "failed", "cancelled"])
export type OperationStatus = typeof OperationStatus.Type

/** Whose concern a failure is. */
export const FailureCategory = Schema.Literals([
  "program",
  "port",
  "disk",
  "host",
  "server",
  "login",
  "proof",
  "timeout",
  "store",
  "cancelled",
  "internal"
])
export type FailureCategory = typeof FailureCategory.Type

/** Why an operation came to nothing, as it is kept. */
export const Failure = Schema.Struct({
  step: Schema.String,
  category: FailureCategory,
  code: Schema.String,
  /** What happened, to what, why and what to do next. Never a secret. */
  message: Schema.String
})
export type Failure = typeof Failure.Type

export interface Operation {
  readonly id: string
  readonly database: string
  readonly databaseName: string
  readonly verb: Verb
  readonly status: OperationStatus
  readonly initiator: string
  /** For `delete`: the data stays on the host. */
  readonly keepData: boolean
  readonly createdAt: Date
  readonly endedAt: Date | undefined
  readonly failure: Failure | undefined
}

export interface OperationLine {
  /** Counts from 1 within one operation. */
  readonly seq: number
  readonly at: Date
  /** `status` names the new status; `step` and `done` frame a step, `undo` names one that is undone. */
  readonly kind: "status" | "step" | "done" | "undo" | "log"
  readonly step: string | undefined
  readonly text: string
}

const ended = new Set<string>(["succeeded", "failed", "cancelled"] satisfies ReadonlyArray<OperationStatus>)

export const isEnded = (status: string): boolean => ended.has(status)
