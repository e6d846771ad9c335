/** Stops the server; its data stays. */
import { HostFailed, RuntimeError } from "@berth/engines"
import { Effect } from "effect"
import { Servers } from "../databases/Servers.ts"
import { step } from "../operations/step.ts"
import { startUntilReady } from "./ready.ts"
import { isCancelled, type VerbPlan } from "./VerbPlan.ts"

export const stop: VerbPlan = {
  run: Effect.fnUntraced(function* (database) {
    const server = yield* (yield* Servers).once(database)
    yield* step(
      "stop",
      Effect.flatMap(server, ({ runtime, spec }) => runtime.stop(spec)),
      {
        undo: (cause) => (isCancelled(cause) ? Effect.flatMap(server, startUntilReady) : Effect.void)
      }
    )
    yield* step(
      "proof",
      Effect.gen(function* () {
        const { runtime, spec } = yield* server
        const found = yield* runtime.inspect(spec.id)
        if (found?.state._tag !== "Running") return
        const detail = `the server of "${spec.name}" still runs after it was stopped`
        return yield* new RuntimeError({
          reason: new HostFailed({ action: "stop a server", detail, isRetryable: true })
        })
      })
    )
  }),
  after: { succeeded: "stopped" }
}
