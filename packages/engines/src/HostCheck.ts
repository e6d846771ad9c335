/** Whether a host has room for one more server: numbers and a reason, for a person to decide upon. */

/** What a new server would take. */
export interface Need {
  /** Bytes; the engine's plan tells it. */
  readonly memoryBytes: number
  /** Bytes that the data is expected to take. */
  readonly diskBytes: number
  /** Processors, in fractions. */
  readonly cpus: number
}

export interface Resource {
  readonly what: "cpu" | "memory" | "disk"
  /** Processors, or bytes. */
  readonly total: number
  /** Processors that are idle on average, or bytes that can be had. */
  readonly free: number
  readonly needed: number
  readonly enough: boolean
  /** A sentence with the numbers. */
  readonly reason: string
}

export interface HostCheck {
  /** Every resource that could be measured has enough. */
  readonly enough: boolean
  readonly resources: ReadonlyArray<Resource>
  /** What could not be measured, and why; a sentence each. */
  readonly unknown: ReadonlyArray<string>
}

const gibibyte = 1024 ** 3

const amount = (what: Resource["what"], value: number): string =>
  what === "cpu" ? `${value.toFixed(1)} processors` : `${(value / gibibyte).toFixed(2)} GiB`

/** Compares one resource with what is needed. At the exact value it is enough. */
export const judge = (what: Resource["what"], total: number, free: number, needed: number): Resource => {
  const enough = free >= needed
  const reason = `${amount(what, free)} of ${amount(what, total)} are free, and a new server takes ${amount(what, needed)}.`
  return { what, total, free, needed, enough, reason }
}
