/** Throughput over the last minutes, a sample a second, for the status page. */
import type { Counters } from "../client/Connection.ts"

export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Bytes a second. */
  readonly up: number
  readonly down: number
  readonly open: number
}

/** Seconds that are kept. */
const kept = 300

const total = ({ routes }: Counters) =>
  routes.reduce(
    (sum, route) => ({ up: sum.up + route.bytesUp, down: sum.down + route.bytesDown, open: sum.open + route.open }),
    { up: 0, down: 0, open: 0 }
  )

export class Traffic {
  readonly samples: Array<Sample> = []
  private last: { readonly up: number; readonly down: number; readonly at: number } | undefined

  add(counters: Counters, at: number): Sample {
    const now = total(counters)
    const before = this.last ?? { ...now, at: at - 1000 }
    const seconds = Math.max(0.001, (at - before.at) / 1000)
    // A route that left the table takes its bytes along; that is no traffic backwards.
    const rate = (value: number, old: number) => Math.round(Math.max(0, value - old) / seconds)
    const sample = { at, up: rate(now.up, before.up), down: rate(now.down, before.down), open: now.open }
    this.last = { up: now.up, down: now.down, at }
    this.samples.push(sample)
    if (this.samples.length > kept) this.samples.shift()
    return sample
  }
}
