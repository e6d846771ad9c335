/**
 * Where a test interferes with operations. Every step passes here twice: before its work, and after it and before its
 * result is journalled, which is the worst moment for a process to die. Outside of tests nothing happens.
 */
import { Context, Effect } from "effect"
import type { Verb } from "./Operation.ts"
import type { StepFailed } from "./OperationError.ts"

export interface StepPoint {
  readonly verb: Verb
  readonly step: string
  readonly moment: "before" | "after"
}

export const Faults = Context.Reference<(point: StepPoint) => Effect.Effect<void, StepFailed>>("@berth/sdk/Faults", {
  defaultValue: () => () => Effect.void
})
