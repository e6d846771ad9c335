/**
 * What carries the bytes of a table. The control above it knows nothing more: whether sockets in this process, sockets
 * in workers or rules in a kernel do the carrying is the plane's business.
 */
import type { Effect } from "effect"
import type { Connection, Counters } from "../client/Connection.ts"
import type { TableRefused } from "../client/Errors.ts"
import type { Route } from "../client/Route.ts"

/** Which sessions: all, those of a route, or one. */
export interface Which {
  readonly route?: string
  readonly id?: string
}

export interface DataPlane {
  /**
   * Takes a table into service as a whole, or refuses it and changes nothing. Live sessions stay: those of a route that
   * is gone are ended with `cut`, which is the caller's decision, except that a client whose network is no longer
   * allowed is ended here.
   */
  readonly apply: (routes: ReadonlyArray<Route>) => Effect.Effect<void, TableRefused>
  /** Live sessions. */
  readonly connections: Effect.Effect<ReadonlyArray<Connection>>
  /**
   * Ends sessions; with `grace` (milliseconds) they may end by themselves first. Answers when it is done, with how many
   * had to be ended.
   */
  readonly cut: (which: Which, grace?: number) => Effect.Effect<number>
  /** Counts since the start, of all workers together. */
  readonly counters: Effect.Effect<Counters>
  /** Closes every port and leaves live sessions alone. */
  readonly stopAccepting: Effect.Effect<void>
}
