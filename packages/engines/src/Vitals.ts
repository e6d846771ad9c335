/** What a host measures of one server. */
export interface Vitals {
  /** How often the host has started the server again since it was made. */
  readonly restarts: number
  /** How often the kernel has killed a process of it for want of memory, as far back as the host remembers. */
  readonly outOfMemoryKills: number
  /** Left out while it does not run. */
  readonly memory?: {
    readonly usedBytes: number
    /** The server's limit, or the host's memory when it has none. */
    readonly limitBytes: number
  }
  /** Processor time since it was started. Left out while it does not run. */
  readonly cpuSeconds?: number
  /** Left out when the host cannot tell. */
  readonly disk?: {
    readonly usedBytes: number
    /** Left on the disk that holds the data. Left out while the server does not run. */
    readonly freeBytes?: number
  }
}
