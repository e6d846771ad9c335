/**
 * How an engine's server runs as a process of this machine. Plain data and pure functions: the `local` runtime makes
 * folders, copies and processes of it.
 */
import type { Duration, Effect, Redacted } from "effect"
import type { RuntimeError } from "./RuntimeError.ts"

/** One program with its arguments, never a shell string. */
export interface Command {
  /** Absolute path, or a name that is looked up on PATH. */
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** Written to standard input, which is then closed. The only way for a secret to reach a program. */
  readonly stdin?: Redacted.Redacted
}

/** Programs of one engine found on this machine. */
export interface Programs {
  /** Folder that holds the programs. */
  readonly folder: string
  /** Folder that has to be readable for them to run: programs with their libraries. */
  readonly root: string
  /** Exact version, such as `18.4`. */
  readonly version: string
}

export interface Place {
  readonly programs: Programs
  /** Folder of the server's data, absolute. */
  readonly data: string
}

export interface ServePlace extends Place {
  /** Address to listen on, and on no other. */
  readonly host: string
  /** Port by name of the endpoint. */
  readonly ports: Readonly<Record<string, number>>
}

export interface ProgramPlan {
  readonly locate: Effect.Effect<Programs, RuntimeError>
  /** Changes whenever `initialise` or `files` would make something else: templates of another recipe are not used. */
  readonly recipe: string
  /** Makes a data folder that bears no credentials. Its result is kept as a template. */
  readonly initialise: (place: Place) => Command
  /** Files that replace those of the initialised folder, by path below it. */
  readonly files: Readonly<Record<string, string>>
  /** Gives a copy of the template its own credentials, before any port is open. */
  readonly bootstrap: (place: Place) => Command
  /** Puts a data folder on the disk, before the server is told to be there; it may run beside the server. */
  readonly sync: (place: Place) => Command
  readonly serve: (place: ServePlace) => Command
  readonly stop: {
    readonly signal: NodeJS.Signals
    /** How long the server may take after `signal` before it is killed. */
    readonly grace: Duration.Input
  }
}
