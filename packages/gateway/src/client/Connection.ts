/** Live connections and counts, as the admin API and the embedded gateway show them. */
import { Schema } from "effect"

/** One live session. Bytes are counted as they are read, `up` from the client and `down` from the target. */
export const Connection = Schema.Struct({
  /** `<worker>-<number>`, never used twice by one gateway process. */
  id: Schema.String,
  route: Schema.String,
  /** Address and port of the client, the real one where a PROXY header told it. */
  client: Schema.String,
  /** Address and port that was dialled; empty while it is not reached yet. */
  target: Schema.String,
  /** Milliseconds since 1970. */
  openedAt: Schema.Number,
  bytesUp: Schema.Number,
  bytesDown: Schema.Number
})
export type Connection = typeof Connection.Type

/** Bounds of the histograms in milliseconds; one more bucket holds what is above the last. */
export const dialBounds = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000]
export const sessionBounds = [10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000]

/** Buckets (not cumulative), one more than there are bounds, and the sum in milliseconds. */
export const Histogram = Schema.Struct({ buckets: Schema.Array(Schema.Number), sum: Schema.Number })
export type Histogram = typeof Histogram.Type

export const RouteCounters = Schema.Struct({
  route: Schema.String,
  /** Sessions at this moment. */
  open: Schema.Number,
  accepted: Schema.Number,
  /** By reason, see {@link refusals}. */
  refused: Schema.Record(Schema.String, Schema.Number),
  dialFailures: Schema.Number,
  bytesUp: Schema.Number,
  bytesDown: Schema.Number,
  dials: Histogram,
  sessions: Histogram,
  /** False while the target is known to be down. */
  healthy: Schema.Boolean
})
export type RouteCounters = typeof RouteCounters.Type

export const Counters = Schema.Struct({
  routes: Schema.Array(RouteCounters),
  /** Connections that were refused before a route was known. */
  refused: Schema.Record(Schema.String, Schema.Number)
})
export type Counters = typeof Counters.Type

/** Why a client can be refused. Labels of the metrics and the logs. */
export const refusals = [
  "denied",
  "route_full",
  "address_full",
  "rate",
  "gateway_full",
  "gateway_address_full",
  "gateway_rate",
  "target_down",
  "dial_failed",
  "bad_proxy_header",
  "bad_tls",
  "tls_required",
  "unknown_server_name",
  "slow_opening",
  "gone_early",
  "no_file_handles",
  "draining"
] as const
export type Refusal = (typeof refusals)[number]

/** Why a session ended. `client` and `target` name the side that ended it by breaking off. */
export const endings = [
  "closed",
  "client_reset",
  "target_reset",
  "client_gone",
  "idle",
  "lifetime",
  "cut",
  "drained",
  "no_longer_allowed",
  "internal"
] as const
export type Ending = (typeof endings)[number]

/** One finished session: what the log line holds. */
export interface SessionEnded {
  readonly id: string
  readonly route: string
  readonly client: string
  readonly target: string
  readonly bytesUp: number
  readonly bytesDown: number
  readonly milliseconds: number
  readonly ending: Ending
}
