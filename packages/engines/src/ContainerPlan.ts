/**
 * How an engine's server runs from an image. Plain data: a container runtime makes volumes, files and containers of it.
 * Secrets are files inside the container and nothing else: environment and arguments of a container can be read by
 * everybody who can ask the engine about it.
 */
import type { Duration, Redacted } from "effect"

/** Folder inside the container that is Berth's own. Files of a plan may lie anywhere; those of no official place lie here. */
export const ownFolder = "/berth"

export interface ContainerPlan {
  /** Name of the user inside the image that everything runs as. Left out: whom the image names, with its entrypoint's own change of user. */
  readonly user?: string
  /** Never a secret. */
  readonly env: Readonly<Record<string, string>>
  /** What the image's entrypoint is given. Empty: the image's own command. */
  readonly args: ReadonlyArray<string>
  /** Text by absolute path, readable by the server's user only. Written again before every start. */
  readonly files: Readonly<Record<string, string | Redacted.Redacted>>
  /** Absolute path at which the data volume is mounted. */
  readonly volume: string
  /** Where the server keeps its data, as it names it itself: `volume`, or a folder below it when there is a `template`. */
  readonly data: string
  /** Paths that are kept in memory and forgotten with the container: what an image declares as a volume and nobody needs. */
  readonly scratch?: ReadonlyArray<string>
  /** How a data folder is initialised once for a version and copied for every server. Left out: the image does it. */
  readonly template?: {
    /** Changes whenever `initialise` would make something else: templates of another recipe are not used. */
    readonly recipe: string
    /**
     * Words for `/bin/sh -eu`, with `$1` as the folder to make. Run by `user` in a container of the image without a
     * network; what it leaves must bear no credentials.
     */
    readonly initialise: string
  }
  /**
   * Words for `/bin/sh -eu`, with `$1` as the data folder. Run by `user` in the server's own container before the
   * server, when its files are new or have changed, so it gives a copy of the template, or data that was adopted, its
   * credentials before a port is open.
   */
  readonly bootstrap?: string
  readonly stop: {
    readonly signal: "SIGINT" | "SIGTERM" | "SIGQUIT"
    /** How long the server may take after `signal` before it is killed. */
    readonly grace: Duration.Input
  }
  /** Size of `/dev/shm` in bytes. Default: the engine's, usually 64 MiB. */
  readonly sharedMemoryBytes?: number
  /** Limit of open files, soft and hard. Default: the engine's. */
  readonly openFiles?: number
  /** What the server needs to start and to serve a few clients, in bytes. The check of a host's resources counts it. */
  readonly memoryBytes: number
}
