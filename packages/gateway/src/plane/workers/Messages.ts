/** What the gateway and its workers say to each other, over the channel that Node opens for a child process. */
import type { Connection, Counters, Refusal, SessionEnded } from "../../client/Connection.ts"
import type { Issue } from "../../client/Errors.ts"
import type { RouteInput } from "../../client/Route.ts"
import type { Which } from "../DataPlane.ts"

/** To a worker. Those with a number are answered with the same number. */
export type Order =
  | {
      readonly tag: "start"
      readonly worker: number
      readonly listen: ReadonlyArray<string>
      readonly dns: ReadonlyArray<string> | undefined
      readonly wholeRate: number | undefined
    }
  /** The handle of one port comes with the message. */
  | { readonly tag: "door"; readonly key: string }
  | { readonly tag: "apply"; readonly number: number; readonly routes: ReadonlyArray<RouteInput> }
  | { readonly tag: "connections"; readonly number: number }
  | { readonly tag: "counters"; readonly number: number }
  | { readonly tag: "cut"; readonly number: number; readonly which: Which; readonly grace: number }
  | { readonly tag: "stopAccepting"; readonly number: number }
  | { readonly tag: "reloadCertificates" }
  | { readonly tag: "admitted"; readonly number: number; readonly refusal: Refusal | undefined }
  | { readonly tag: "drawn"; readonly number: number; readonly granted: number }

/** From a worker. */
export type Report =
  | { readonly tag: "up" }
  | { readonly tag: "applied"; readonly number: number; readonly issues: ReadonlyArray<Issue> }
  | { readonly tag: "connections"; readonly number: number; readonly connections: ReadonlyArray<Connection> }
  | { readonly tag: "counters"; readonly number: number; readonly counters: Counters }
  | { readonly tag: "cut"; readonly number: number; readonly count: number }
  | { readonly tag: "stopped"; readonly number: number }
  | { readonly tag: "admit"; readonly number: number; readonly route: string; readonly address: string }
  | { readonly tag: "release"; readonly route: string; readonly address: string }
  | {
      readonly tag: "draw"
      readonly number: number
      readonly name: string
      readonly rate: number
      readonly bytes: number
    }
  | { readonly tag: "ended"; readonly session: SessionEnded }
  | { readonly tag: "refused"; readonly reason: Refusal; readonly route: string | undefined; readonly address: string }
  | { readonly tag: "failed"; readonly session: string; readonly error: string }
  /** Each second, so that little is lost with a worker that dies. */
  | { readonly tag: "tally"; readonly counters: Counters }
  | { readonly tag: "certificates"; readonly files: ReadonlyArray<string>; readonly problem: string | undefined }
