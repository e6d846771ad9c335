/** What every part of the runtime `docker` works with. */
import type { Semaphore } from "effect"
import type { Client } from "./client.ts"
import type { UserIds } from "./Image.ts"

/** What this process has learnt and done, so that it need not ask or do it again. Another process starts without it. */
export interface Memory {
  /** By image and name of the user. */
  readonly users: Map<string, UserIds>
  /** Revision of the files that were put into a container, by the container's id. */
  readonly files: Map<string, string>
  /** One for each environment whose network has been asked for. */
  readonly networks: Map<string, Semaphore.Semaphore>
  /** Whether the engine's bridges are interfaces of this machine, once there was one to look for. */
  isLocal: boolean | undefined
}

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
  readonly memory: Memory
}
