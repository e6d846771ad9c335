/** The durable workflow that an operation is; `verbs/runOperation.ts` says what it does. */
import { Schema } from "effect"
import { Workflow } from "effect/workflow"
import { StepFailed } from "./OperationError.ts"

export const RunOperation = Workflow.make("berth/Operation", {
  payload: { operation: Schema.String },
  error: StepFailed,
  idempotencyKey: ({ operation }) => operation
})
