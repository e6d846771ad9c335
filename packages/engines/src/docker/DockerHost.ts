/** What every part of the runtime `docker` works with. */
import type { Client } from "./client.ts"

export interface DockerHost {
  readonly client: Client
  /** Which Berth this is, in the label of everything that it makes. */
  readonly instance: string
  /** Address of the engine's machine on which ports are published where containers cannot be reached themselves. */
  readonly publishOn: string
  /** Whether addresses of containers can be reached from here. `auto`: where the engine's bridges are this machine's. */
  readonly reach: "auto" | "address" | "published"
  /** The engine listens on a socket of this machine's file system. */
  readonly isLocalSocket: boolean
}
