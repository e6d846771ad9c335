/** Operations: begun, waited for, watched and cancelled. */
import { Context, Effect, Layer, Stream } from "effect"
import { WorkflowEngine } from "effect/workflow"
import type { StoreFailed } from "../store/StoreError.ts"
import { isEnded, type Operation, type OperationLine } from "./Operation.ts"
import { NotCancellable, OperationCancelled, OperationFailed, type OperationNotFound } from "./OperationError.ts"
import { OperationLog } from "./OperationLog.ts"
import { OperationStore } from "./OperationStore.ts"
import { RunOperation } from "./RunOperation.ts"

export class Operations extends Context.Service<
  Operations,
  {
    readonly list: (filter?: {
      readonly database?: string | undefined
    }) => Effect.Effect<ReadonlyArray<Operation>, StoreFailed>
    readonly get: (id: string) => Effect.Effect<Operation, OperationNotFound | StoreFailed>
    /** Changes of status, steps and log lines from the first one on, until the operation ends. Can be joined late. */
    readonly watch: (id: string) => Stream.Stream<OperationLine, OperationNotFound | StoreFailed>
    /** Answers when the operation has ended: as `cancelled`, or as something else if it was quicker. */
    readonly cancel: (id: string) => Effect.Effect<Operation, OperationNotFound | NotCancellable | StoreFailed>
    /** Begins an operation that the store knows as asked for. It runs on when its caller is interrupted. */
    readonly begin: (id: string) => Effect.Effect<void>
    /** Answers when the operation has succeeded, and fails as it failed. */
    readonly succeeded: (
      id: string
    ) => Effect.Effect<Operation, OperationNotFound | OperationFailed | OperationCancelled | StoreFailed>
  }
>()("@berth/sdk/Operations") {
  static readonly layer: Layer.Layer<Operations, never, OperationStore | OperationLog | WorkflowEngine.WorkflowEngine> =
    Layer.effect(
      Operations,
      Effect.gen(function* () {
        const store = yield* OperationStore
        const log = yield* OperationLog
        const engine = yield* WorkflowEngine.WorkflowEngine

        const begin = (operation: string) =>
          RunOperation.execute({ operation }, { discard: true }).pipe(
            Effect.provideService(WorkflowEngine.WorkflowEngine, engine),
            Effect.asVoid
          )

        return Operations.of({
          list: (filter = {}) => store.list(filter),
          get: store.get,
          watch: (id) => Stream.unwrap(Effect.as(store.get(id), log.follow(id))),
          cancel: Effect.fn("Operations.cancel")(function* (id) {
            const operation = yield* store.get(id)
            if (isEnded(operation.status)) {
              return yield* new NotCancellable({ operation: id, reason: `it has ended already (${operation.status})` })
            }
            if (operation.verb === "delete") {
              return yield* new NotCancellable({ operation: id, reason: "what was deleted cannot be brought back" })
            }
            yield* store.requestCancel(id)
            return yield* store.ended(id)
          }),
          begin,
          succeeded: Effect.fn("Operations.succeeded")(function* (id) {
            const operation = yield* store.ended(id)
            const { database, databaseName, failure, status, verb } = operation
            if (failure !== undefined) {
              return yield* new OperationFailed({ operation: id, database, databaseName, verb, failure })
            }
            if (status === "cancelled")
              return yield* new OperationCancelled({ operation: id, database, databaseName, verb })
            return operation
          })
        })
      })
    )
}
