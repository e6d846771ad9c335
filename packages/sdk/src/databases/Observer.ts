/** Asks a host about one database, now. */
import { Context, Effect, Layer } from "effect"
import { Hosts } from "../hosts/hosts.ts"
import type { Database } from "./Database.ts"
import type { Observation } from "./status.ts"

export class Observer extends Context.Service<
  Observer,
  {
    /** A host that does not answer is an observation too. `undefined` for a database that has no server yet. */
    readonly observe: (database: Database) => Effect.Effect<Observation | undefined>
  }
>()("@berth/sdk/Observer") {
  static readonly layer: Layer.Layer<Observer, never, Hosts> = Layer.effect(
    Observer,
    Effect.map(Hosts, (hosts) =>
      Observer.of({
        observe: (database) =>
          database.phase === "created" || database.phase === "failed"
            ? Effect.succeed(undefined)
            : hosts.runtime(database.host).pipe(
                Effect.flatMap((runtime) => runtime.inspect(database.id)),
                Effect.map((found): Observation => found?.state ?? { _tag: "Missing" }),
                Effect.catch((error) => Effect.succeed<Observation>({ _tag: "Unreachable", why: error.message }))
              )
      })
    )
  )
}
