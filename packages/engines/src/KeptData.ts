/** Data of servers that were removed without it: listed, given to a new server, or removed for good. */
import type { Effect } from "effect"
import type { ServerSpec } from "./Runtime.ts"
import type { RuntimeError } from "./RuntimeError.ts"

export interface Kept {
  /** Id of the server that the data was of. */
  readonly id: string
  /** Name that it had. */
  readonly name: string
  /** Id of its engine. */
  readonly engine: string
  readonly version: string
  readonly keptAt: Date
  readonly labels: Readonly<Record<string, string>>
}

export interface KeptData {
  readonly list: Effect.Effect<ReadonlyArray<Kept>, RuntimeError>
  /**
   * Gives the data to the server of `spec`, which is then created and started as any other and finds the data there,
   * with its own administrator. Comes before `create`. Fails with `KeptDataUnfit` when engine or version differ. May
   * run twice.
   */
  readonly adopt: (kept: string, spec: ServerSpec) => Effect.Effect<void, RuntimeError>
  /** Removes the data for good. What is not there is removed already. */
  readonly purge: (kept: string) => Effect.Effect<void, RuntimeError>
}
