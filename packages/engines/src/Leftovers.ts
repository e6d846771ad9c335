/** What a host holds that carries our label and belongs to nobody. Shown first, then removed. */
import type { Effect } from "effect"
import type { Engine } from "./Engine.ts"
import type { RuntimeError } from "./RuntimeError.ts"

export interface Leftover {
  readonly kind: "container" | "volume" | "network" | "template"
  /** Its name on the host. */
  readonly name: string
  /** Why it belongs to nobody, a sentence. */
  readonly why: string
}

/** What is somebody's. */
export interface Belongings {
  /** Ids of all servers that the store knows on this host, in whatever state. */
  readonly servers: ReadonlySet<string>
  /** Ids of all environments. */
  readonly networks: ReadonlySet<string>
  /** All engines in use; a template that none of them would make is left over. */
  readonly engines: ReadonlyArray<Engine>
}

export interface Leftovers {
  /** Looks, and changes nothing. Data that was kept on purpose is not left over. */
  readonly find: (belongings: Belongings) => Effect.Effect<ReadonlyArray<Leftover>, RuntimeError>
  /** Removes what `find` has shown. What is gone already, or has come into use since, is passed over. */
  readonly remove: (leftovers: ReadonlyArray<Leftover>) => Effect.Effect<void, RuntimeError>
}
