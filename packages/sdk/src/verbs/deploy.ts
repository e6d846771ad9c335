/** Provisions the server of a database. Undone as a whole when it fails: nothing of it stays on the host. */
import { Effect } from "effect"
import { CredentialStore } from "../credentials/CredentialStore.ts"
import { Engines } from "../databases/Engines.ts"
import { Servers, target } from "../databases/Servers.ts"
import { Hosts } from "../hosts/hosts.ts"
import { speaker, step } from "../operations/step.ts"
import { keptFor } from "./adopt.ts"
import { prove } from "./prove.ts"
import { startUntilReady } from "./ready.ts"
import type { VerbPlan } from "./VerbPlan.ts"

export const deploy: VerbPlan = {
  run: Effect.fnUntraced(function* (database) {
    const credentials = yield* CredentialStore
    const engines = yield* Engines
    const hosts = yield* Hosts
    const server = yield* (yield* Servers).once(database)
    const say = yield* speaker

    // Drawn before anything is made with them, and kept when the step is run again.
    yield* step(
      "prepare",
      Effect.gen(function* () {
        const engine = yield* engines.get(database.engine)
        const kept = yield* Effect.flatMap(hosts.runtime(database.host), (runtime) => keptFor(runtime, database))
        yield* credentials.draw(database, engine.administrator, engine.naming(kept?.name ?? database.name))
        const { runtime, spec } = yield* server
        yield* runtime.prepare(spec, say)
      }),
      { undo: () => credentials.remove(database.id) }
    )
    yield* step(
      "create",
      Effect.gen(function* () {
        const { runtime, spec } = yield* server
        const kept = yield* keptFor(runtime, database)
        if (kept !== undefined) yield* runtime.kept?.adopt(kept.id, spec) ?? Effect.void
        yield* runtime.create(spec, say)
      }),
      {
        // Data that was taken over is nobody's to remove but its owner's.
        undo: () =>
          Effect.flatMap(hosts.runtime(database.host), (runtime) =>
            runtime.remove(database.id, { keepData: database.adopts !== undefined })
          )
      }
    )
    yield* step("start", Effect.flatMap(server, startUntilReady))
    yield* step(
      "users",
      Effect.gen(function* () {
        const there = yield* server
        const admin = yield* target(there, there.logins.admin)
        yield* there.runtime.administration(there.engine).createApp(admin, there.logins.app)
      })
    )
    yield* step("proof", Effect.flatMap(server, prove))
  }),
  after: { succeeded: "running", failed: "failed", cancelled: "created" }
}
