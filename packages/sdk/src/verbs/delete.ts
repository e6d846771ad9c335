/** Removes the server with its data, and the database with everything that belongs to it. */
import { HostFailed, RuntimeError } from "@berth/engines"
import { Effect } from "effect"
import { Hosts } from "../hosts/hosts.ts"
import { CurrentOperation, step } from "../operations/step.ts"
import type { VerbPlan } from "./VerbPlan.ts"

export const remove: VerbPlan = {
  run: Effect.fnUntraced(function* (database) {
    const runtime = (yield* Hosts).runtime(database.host)
    const { keepData } = yield* CurrentOperation
    yield* step(
      "remove",
      Effect.flatMap(runtime, (runtime) => runtime.remove(database.id, { keepData }))
    )
    yield* step(
      "proof",
      Effect.gen(function* () {
        const found = yield* (yield* runtime).inspect(database.id)
        if (found === undefined) return
        const detail = `something of "${database.name}" is left after it was removed`
        return yield* new RuntimeError({
          reason: new HostFailed({ action: "remove a server", detail, isRetryable: true })
        })
      })
    )
  }),
  after: { succeeded: "deleted" }
}
