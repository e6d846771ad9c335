/**
 * One step of a verb: a small idempotent piece of work whose result is journalled, so that it is not repeated once it
 * has ended, and run again when the process died in the middle of it.
 */
import { EngineError, RuntimeError } from "@berth/engines"
import type { Scope } from "effect"
import { type Cause, Context, Effect, Exit, Schedule } from "effect"
import { Activity, Workflow, type WorkflowEngine } from "effect/workflow"
import type { StoreFailed } from "../store/StoreError.ts"
import { Faults } from "./Faults.ts"
import type { Failure, Operation } from "./Operation.ts"
import { StepFailed } from "./OperationError.ts"
import { OperationLog } from "./OperationLog.ts"
import { OperationStore } from "./OperationStore.ts"

/** The operation that the steps belong to. */
export class CurrentOperation extends Context.Service<CurrentOperation, Operation>()("@berth/sdk/CurrentOperation") {}

/** What a step may fail with; anything else is a defect. */
export type StepError = RuntimeError | EngineError | StoreFailed | StepFailed | Coded

/** Any error that says what it is and what to do. */
export interface Coded {
  readonly code: string
  readonly message: string
}

type Requirements = CurrentOperation | OperationStore | OperationLog

const categoryOf = (error: StepError): Failure["category"] => {
  if (error instanceof RuntimeError) return error.category
  if (error instanceof EngineError) return error.reason._tag === "LoginRefused" ? "login" : "server"
  if ("_tag" in error && error._tag === "StoreFailed") return "store"
  return "internal"
}

const toStepFailed =
  (step: string) =>
  (error: StepError): StepFailed =>
    error instanceof StepFailed
      ? error
      : new StepFailed({ failure: { step, category: categoryOf(error), code: error.code, message: error.message } })

const cancelled = (step: string) =>
  new StepFailed({
    failure: { step, category: "cancelled", code: "OPERATION_CANCELLED", message: "it was cancelled" }
  })

/** An undoing that fails is tried again: what is left over would belong to nobody. */
const undoRetries = Schedule.exponential("50 millis").pipe(Schedule.upTo({ times: 5 }))

const isAway = (error: StepError): boolean => error instanceof RuntimeError && error.reason._tag === "HostUnreachable"

/** A host that does not answer is asked again for about two minutes. */
const whileAway = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.upTo({ duration: "2 minutes" })
)

const addUndo = <R>(name: string, undo: (cause: Cause.Cause<unknown>) => Effect.Effect<void, StepError, R>) =>
  Effect.gen(function* () {
    const operation = yield* CurrentOperation
    const log = yield* OperationLog
    yield* Workflow.addFinalizer((exit) =>
      Exit.isSuccess(exit)
        ? Effect.void
        : log.append(operation.id, { kind: "undo", step: name, text: `Undoing: ${name}` }).pipe(
            Effect.andThen(Effect.retry(undo(exit.cause), undoRetries)),
            Effect.catch((error) =>
              log.append(operation.id, { kind: "log", step: name, text: `Left over: ${error.message}` })
            )
          )
    )
  })

export interface StepOptions<R> {
  /** Takes back what the step made, all or part of it, when the operation fails or is cancelled. Idempotent. */
  readonly undo?: (cause: Cause.Cause<unknown>) => Effect.Effect<void, StepError, R>
}

/**
 * Runs `work` as the step `name`, which is unique within its verb. Its undoing is registered before the work begins, so
 * that work which was cut in the middle is undone too.
 */
export const step = <R, R2 = never>(
  name: string,
  work: Effect.Effect<void, StepError, R>,
  options: StepOptions<R2> = {}
): Effect.Effect<
  void,
  StepFailed,
  R | R2 | Requirements | Scope.Scope | WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance
> =>
  Effect.gen(function* () {
    const operation = yield* CurrentOperation
    const store = yield* OperationStore
    const log = yield* OperationLog
    const faults = yield* Faults
    if (options.undo !== undefined) yield* addUndo(name, options.undo)
    const patientWork = Effect.retry(work, { schedule: whileAway, while: isAway })
    const watched = Effect.raceFirst(
      Effect.andThen(faults({ verb: operation.verb, step: name, moment: "before" }), patientWork),
      Effect.andThen(store.cancelAsked(operation.id), Effect.fail(cancelled(name)))
    )
    yield* Activity.make({
      name,
      error: StepFailed,
      execute: Effect.gen(function* () {
        yield* log.append(operation.id, { kind: "step", step: name, text: name })
        yield* watched
        yield* faults({ verb: operation.verb, step: name, moment: "after" })
        yield* log.append(operation.id, { kind: "done", step: name, text: name })
      }).pipe(Effect.mapError(toStepFailed(name)))
    })
  })

/** Writes into the operation's log; for those who know nothing of operations. */
export const speaker: Effect.Effect<(text: string) => Effect.Effect<void>, never, CurrentOperation | OperationLog> =
  Effect.gen(function* () {
    const { id } = yield* CurrentOperation
    const log = yield* OperationLog
    return (text: string) => log.append(id, { kind: "log", text })
  })
