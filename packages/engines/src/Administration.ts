/**
 * Administration of a server through its engine's own driver. The same calls serve a server that Berth started and one
 * that it did not. Every call opens one connection and closes it, so nothing is held between two steps.
 */
import type { Effect } from "effect"
import type { Login } from "./Engine.ts"
import type { EngineError } from "./EngineError.ts"

/** Where a server can be reached from here, and as whom. */
export interface Target extends Login {
  readonly host: string
  readonly port: number
}

/** What a server says of itself. */
export interface ServerFacts {
  /** Exact version, such as `18.4`. */
  readonly version: string
  /** Where the server keeps its data, as the server sees it. */
  readonly dataFolder: string
}

export interface Administration {
  /** Logs in and makes one round trip. */
  readonly ping: (target: Target) => Effect.Effect<void, EngineError>
  /** Needs the administrator's login. */
  readonly facts: (target: Target) => Effect.Effect<ServerFacts, EngineError>
  /**
   * Makes the app's user, who is not a superuser, and its logical database, which belongs to nobody else. What is there
   * already is kept and its password set, so that it can run twice.
   */
  readonly createApp: (admin: Target, app: Login) => Effect.Effect<void, EngineError>
  /**
   * Makes the server read its files again at once, after `Runtime.refresh` has written them. Left out: the engine keeps
   * no users in files.
   */
  readonly reload?: (admin: Target) => Effect.Effect<void, EngineError>
  /** Logs in as the app, writes, reads back what it wrote and removes it. */
  readonly write: (app: Target) => Effect.Effect<void, EngineError>
}
