/** A place where the lifecycle suite runs: a runtime, how an app uses a server there, and how to interfere behind Berth's back. */
import type { OpenOptions } from "@berth/sdk"

export interface Details {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly database: string
}

export interface AppSession {
  readonly write: (key: string, value: string) => Promise<void>
  readonly read: (key: string) => Promise<string | undefined>
  readonly close: () => Promise<void>
}

export interface Place {
  readonly host: NonNullable<OpenOptions["host"]>
  /** Engine, and version if it is not the default one. */
  readonly database: { readonly engine: string; readonly version?: string }
  /** Logs in as an app does; rejects when the server does not let it in. */
  readonly connect: (details: Details, id: string) => Promise<AppSession>
  /** Kills the server's process. */
  readonly kill: (dataDir: string, id: string) => Promise<void>
  /** Removes the server with its data. */
  readonly vanish: (dataDir: string, id: string) => Promise<void>
  /** Everything that is there of any server: processes, folders, records. */
  readonly leftovers: (dataDir: string) => Promise<ReadonlyArray<string>>
}
