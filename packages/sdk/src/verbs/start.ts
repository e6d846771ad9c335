/** Starts a server that is stopped or has ended by itself. */
import { Effect } from "effect"
import { Servers } from "../databases/Servers.ts"
import { step } from "../operations/step.ts"
import { startUntilReady } from "./ready.ts"
import type { VerbPlan } from "./VerbPlan.ts"

export const start: VerbPlan = {
  run: Effect.fnUntraced(function* (database) {
    const server = yield* (yield* Servers).once(database)
    yield* step("start", Effect.flatMap(server, startUntilReady), {
      undo: () => Effect.flatMap(server, ({ runtime, spec }) => runtime.stop(spec))
    })
  }),
  after: { succeeded: "running" }
}
