/**
 * What starts and stops servers on a host. A runtime knows folders, processes, containers and ports; it never sees a
 * statement of a database. Every call but `logs` can run twice with the result of running once, because names of
 * outside things derive from the server's id.
 */
import type { Effect, Scope, Stream } from "effect"
import type { Administration } from "./Administration.ts"
import type { Engine, Limits, Login, ServerPlan } from "./Engine.ts"
import type { HostCheck, Need } from "./HostCheck.ts"
import type { KeptData } from "./KeptData.ts"
import type { Leftovers } from "./Leftovers.ts"
import type { RuntimeError } from "./RuntimeError.ts"
import type { Vitals } from "./Vitals.ts"

/** Everything that a runtime has to know of a server, from which it can be made again. */
export interface ServerSpec {
  /** Id of the database: `^[a-z0-9_]{3,64}$`. */
  readonly id: string
  /** Name in the environment's network, such as `orders`. */
  readonly name: string
  /** Id of the environment, whose servers reach each other. */
  readonly network: string
  readonly engine: Engine
  readonly version: string
  readonly plan: ServerPlan
  /** The administrator's login that a new server gets; the plan has it too, in the form that its programs take. */
  readonly admin: Login
  /** Runtimes that cannot limit a server leave it alone. */
  readonly limits?: Limits
  /** Kept with the server, so that it can be found without a store: owner, app, environment, database. */
  readonly labels: Readonly<Record<string, string>>
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** How a server that is not running came to its end. */
export interface Ending {
  /** A sentence without a full stop, such as `killed by SIGKILL`. */
  readonly how: string
  /** What it wrote last, oldest first. */
  readonly lastLines: ReadonlyArray<string>
}

export type ServerState =
  | { readonly _tag: "Running"; readonly since: Date; readonly addresses: Readonly<Record<string, Address>> }
  /** Made, and not running because it was never started or was stopped by us. */
  | { readonly _tag: "Stopped" }
  /** Was running and ended without us. */
  | { readonly _tag: "Ended"; readonly ending: Ending }

/** The image that a server runs from. */
export interface ServerImage {
  /** As the engine's value names it, such as `postgres:18`. */
  readonly reference: string
  /** What it was when the server was made: `sha256:…`. */
  readonly digest: string
}

export interface ServerFound {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: ServerState
  readonly image?: ServerImage
}

export interface RemoveOptions {
  /** Ends the server cleanly and keeps its data, to be listed by `kept`. Default: `false`. */
  readonly keepData?: boolean
}

export interface LogLine {
  readonly at: Date
  readonly text: string
}

export interface LogOptions {
  /** Goes on with new lines until the stream is ended. Default: `false`. */
  readonly follow?: boolean
  /** Only the last lines of what is there, 0 or more. Default: all that is kept. */
  readonly tail?: number
  /** Only lines written at this moment or later. */
  readonly since?: Date
}

/** Tells what a longer step is doing, a sentence each. */
export type Progress = (line: string) => Effect.Effect<void>

export interface Runtime {
  readonly kind: "memory" | "local" | "docker" | "swarm"
  /** Brings what a server of this kind needs to the host: the image, or the template of its data folder. */
  readonly prepare: (spec: ServerSpec, progress: Progress) => Effect.Effect<void, RuntimeError>
  /** Makes the server with its data and its own credentials, and does not start it. */
  readonly create: (spec: ServerSpec, progress: Progress) => Effect.Effect<void, RuntimeError>
  /** Answers when the server runs as a process; whether it serves is for the engine to find out. */
  readonly start: (spec: ServerSpec) => Effect.Effect<void, RuntimeError>
  /** Ends the server the way its engine asks for, and by force after its grace period. */
  readonly stop: (spec: ServerSpec) => Effect.Effect<void, RuntimeError>
  /** Ends the server and removes everything of it. A runtime without `kept` keeps nothing, whatever is asked. */
  readonly remove: (id: string, options?: RemoveOptions) => Effect.Effect<void, RuntimeError>
  /** Writes the plan's files into the running server, for engines that read their users from files. */
  readonly refresh?: (spec: ServerSpec) => Effect.Effect<void, RuntimeError>
  /** What the host measures of one server. Left out: this runtime measures nothing. */
  readonly vitals?: (id: string) => Effect.Effect<Vitals, RuntimeError>
  /** Whether the host has room for one more server. Advice: no verb asks it. */
  readonly check?: (need: Need) => Effect.Effect<HostCheck, RuntimeError>
  /** Data of servers that were removed without it. Left out: this runtime keeps none. */
  readonly kept?: KeptData
  /** What carries our label and belongs to nobody. */
  readonly leftovers?: Leftovers
  /** `undefined` when the host has nothing of this id. */
  readonly inspect: (id: string) => Effect.Effect<ServerFound | undefined, RuntimeError>
  /** Everything that this runtime owns on its host. */
  readonly list: Effect.Effect<ReadonlyArray<ServerFound>, RuntimeError>
  readonly logs: (id: string, options: LogOptions) => Stream.Stream<LogLine, RuntimeError>
  /** Where the data must be, as the server itself names it; the proof of a deploy compares it. */
  readonly dataFolder: (id: string) => Effect.Effect<string, RuntimeError>
  /** The address by which clients of the same environment reach an endpoint. */
  readonly internalAddress: (spec: ServerSpec, endpoint: string) => Effect.Effect<Address, RuntimeError>
  /**
   * How servers of this runtime are administered. Real ones through the engine's driver; the in-memory runtime, whose
   * servers speak no protocol, answers itself.
   */
  readonly administration: (engine: Engine) => Administration
}

/** A place that can run databases. */
export interface Host {
  /** Unique among the hosts of a Berth: `^[a-z][a-z0-9-]*$`. */
  readonly name: string
  readonly kind: Runtime["kind"]
  /** `folder` is the host's own part of the data directory. */
  readonly open: (options: { readonly folder: string }) => Effect.Effect<Runtime, RuntimeError, Scope.Scope>
}
