/** What a verb is made of. */
import type { Cause, Effect, Scope } from "effect"
import type { WorkflowEngine } from "effect/workflow"
import type { CredentialStore } from "../credentials/CredentialStore.ts"
import type { Database, Phase } from "../databases/Database.ts"
import type { Engines } from "../databases/Engines.ts"
import type { Servers } from "../databases/Servers.ts"
import type { Hosts } from "../hosts/hosts.ts"
import { StepFailed } from "../operations/OperationError.ts"
import type { OperationLog } from "../operations/OperationLog.ts"
import type { OperationStore } from "../operations/OperationStore.ts"
import type { CurrentOperation } from "../operations/step.ts"

/** What the steps of a verb may use. */
export type StepServices = CredentialStore | Engines | Hosts | OperationLog | OperationStore | Servers

export interface VerbPlan {
  /** The steps, top to bottom. */
  readonly run: (
    database: Database
  ) => Effect.Effect<
    void,
    StepFailed,
    StepServices | CurrentOperation | Scope.Scope | WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance
  >
  /** What the end of the verb means for the database. Left out: its phase stays what it was. */
  readonly after: {
    readonly succeeded: Phase | "deleted"
    readonly failed?: Phase
    readonly cancelled?: Phase
  }
}

/** A verb that was cancelled puts things back; one that failed leaves them for its caller to see. */
export const isCancelled = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some(
    (reason) =>
      reason._tag === "Fail" && reason.error instanceof StepFailed && reason.error.failure.category === "cancelled"
  )
