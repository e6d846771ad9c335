/** Asks a host about one database, now. */
import type { ServerFound } from "@berth/engines"
import { Context, Effect, Layer } from "effect"
import { Hosts } from "../hosts/hosts.ts"
import type { Database } from "./Database.ts"
import type { Observation } from "./status.ts"

export interface Look {
  readonly observation: Observation | undefined
  /** What the host has of the server. */
  readonly found: ServerFound | undefined
}

export class Observer extends Context.Service<
  Observer,
  {
    /** A host that does not answer is an observation too. `undefined` for a database that has no server yet. */
    readonly look: (database: Database) => Effect.Effect<Look>
  }
>()("@berth/sdk/Observer") {
  static readonly layer: Layer.Layer<Observer, never, Hosts> = Layer.effect(
    Observer,
    Effect.map(Hosts, (hosts) =>
      Observer.of({
        look: (database) =>
          database.phase === "created" || database.phase === "failed"
            ? Effect.succeed({ observation: undefined, found: undefined })
            : hosts.runtime(database.host).pipe(
                Effect.flatMap((runtime) => runtime.inspect(database.id)),
                Effect.map((found): Look => ({ observation: found?.state ?? { _tag: "Missing" }, found })),
                Effect.catch((error) =>
                  Effect.succeed<Look>({
                    observation: { _tag: "Unreachable", why: error.message },
                    found: undefined
                  })
                )
              )
      })
    )
  )
}
