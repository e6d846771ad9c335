/** Starts a server that is stopped or has ended by itself. */
import { Effect } from "effect"
import { Servers } from "../databases/Servers.ts"
import { step } from "../operations/step.ts"
import { prove, ready } from "./ready.ts"
import type { VerbPlan } from "./VerbPlan.ts"

export const start: VerbPlan = {
  run: Effect.fnUntraced(function* (database) {
    const server = yield* (yield* Servers).once(database)
    yield* step(
      "start",
      Effect.flatMap(server, ({ runtime, spec }) => runtime.start(spec)),
      { undo: () => Effect.flatMap(server, ({ runtime, spec }) => runtime.stop(spec)) }
    )
    yield* step("ready", Effect.flatMap(server, ready))
    yield* step("proof", Effect.flatMap(server, prove))
  }),
  after: { succeeded: "running" }
}
