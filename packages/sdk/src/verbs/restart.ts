/** Stops the server and starts it again. A restart that is cancelled half-way brings it back up. */
import { Effect } from "effect"
import { Servers } from "../databases/Servers.ts"
import { step } from "../operations/step.ts"
import { startUntilReady } from "./ready.ts"
import { isCancelled, type VerbPlan } from "./VerbPlan.ts"

export const restart: VerbPlan = {
  run: Effect.fnUntraced(function* (database) {
    const server = yield* (yield* Servers).once(database)
    const bringUp = Effect.flatMap(server, startUntilReady)
    yield* step(
      "stop",
      Effect.flatMap(server, ({ runtime, spec }) => runtime.stop(spec)),
      { undo: (cause) => (isCancelled(cause) ? bringUp : Effect.void) }
    )
    yield* step("start", bringUp)
  }),
  after: { succeeded: "running" }
}
