/**
 * Runs operations as durable workflows. What has to happen at the end of one, whatever the end is, is registered before
 * its first step and so runs after all undoing; a process that dies in between finds it undone and does it again.
 */
import { Cause, Effect, Exit, type Layer, Option } from "effect"
import { Workflow, type WorkflowEngine } from "effect/workflow"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { type Failure, isEnded, type Operation, type OperationStatus } from "../operations/Operation.ts"
import { StepFailed } from "../operations/OperationError.ts"
import { OperationStore } from "../operations/OperationStore.ts"
import { Operations } from "../operations/operations.ts"
import { RunOperation } from "../operations/RunOperation.ts"
import { CurrentOperation } from "../operations/step.ts"
import { patience } from "../store/patience.ts"
import type { StoreFailed } from "../store/StoreError.ts"
import type { StepServices, VerbPlan } from "./VerbPlan.ts"
import { verbs } from "./verbs.ts"

const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const failed = cause.reasons.find((reason) => reason._tag === "Fail")
  if (failed?._tag === "Fail" && failed.error instanceof StepFailed) return failed.error.failure
  const defect = Cause.squash(cause)
  const message = `Something unexpected: ${defect instanceof Error ? defect.message : String(defect)}. This is a defect of Berth; please report it with the operation's log.`
  return { step: "internal", category: "internal", code: "INTERNAL", message }
}

const outcome = (
  exit: Exit.Exit<unknown, unknown>
): { readonly status: OperationStatus; readonly failure?: Failure } => {
  if (Exit.isSuccess(exit)) return { status: "succeeded" }
  const failure = failureOf(exit.cause)
  return failure.category === "cancelled" ? { status: "cancelled" } : { status: "failed", failure }
}

const consequence = Effect.fnUntraced(function* (operation: Operation, status: OperationStatus, plan: VerbPlan) {
  const databases = yield* DatabaseStore
  const phase =
    status === "succeeded" ? plan.after.succeeded : status === "failed" ? plan.after.failed : plan.after.cancelled
  if (phase === "deleted") return yield* databases.remove(operation.database, operation.id)
  if (phase !== undefined) yield* databases.setPhase(operation.database, phase)
})

/** Ends the operation and says what that means for its database. */
const end = Effect.fnUntraced(function* (operation: Operation, exit: Exit.Exit<unknown, unknown>) {
  const store = yield* OperationStore
  const databases = yield* DatabaseStore
  const { status, failure } = outcome(exit)
  const also: Effect.Effect<unknown, StoreFailed> = consequence(operation, status, verbs[operation.verb]).pipe(
    Effect.provideService(DatabaseStore, databases)
  )
  yield* store.end(operation, status, failure, also).pipe(Effect.retry(patience), Effect.orDie)
})

export const layer: Layer.Layer<never, never, WorkflowEngine.WorkflowEngine | StepServices | DatabaseStore> =
  RunOperation.toLayer(
    Effect.fnUntraced(function* ({ operation: id }) {
      const store = yield* OperationStore
      const operation = yield* Effect.orDie(store.get(id))
      // The end was written and the process died before the journal knew.
      if (isEnded(operation.status)) return
      yield* Workflow.addFinalizer((exit) => end(operation, exit))
      yield* store.setRunning(operation).pipe(Effect.retry(patience), Effect.orDie)
      const database = yield* Effect.orDie((yield* DatabaseStore).get(operation.database))
      yield* verbs[operation.verb].run(database).pipe(Effect.provideService(CurrentOperation, operation))
    })
  )

/**
 * Goes on with what an earlier process left behind. The journal brings back what it knows of. An operation that was asked
 * for in the moment before the process ended is not in the journal yet and is begun here; one that the journal has as
 * ended and the store does not is ended here, for nothing else ever would.
 */
export const resume = Effect.gen(function* () {
  const store = yield* OperationStore
  const operations = yield* Operations
  for (const operation of yield* store.active) {
    const executionId = yield* RunOperation.executionId({ operation: operation.id })
    const known = yield* Effect.exit(RunOperation.poll(executionId))
    if (known._tag === "Failure")
      yield* Effect.logWarning(`The journal could not be asked for ${operation.id}`, known.cause)
    else if (Option.isNone(known.value)) yield* operations.begin(operation.id)
    else if (known.value.value._tag === "Complete") yield* end(operation, known.value.value.exit)
  }
})
