/** The meters of a plane, filled from a supply that all workers draw from. */
import type { Route } from "../../../client/Route.ts"
import { Meter, refillEvery } from "./Meter.ts"

/** Hands out bytes of a rate that is the whole gateway's: for a route, or for everything under the empty name. */
export interface Supply {
  readonly wholeRate: number | undefined
  draw(name: string, rate: number, bytes: number, answer: (granted: number) => void): void
}

const whole = ""

/** The supply of a gateway that is one process, and the one that workers ask. */
export const makeSupply = (wholeRate: number | undefined, now: () => number): Supply => {
  const stock = new Map<string, { left: number; at: number }>()
  return {
    wholeRate,
    draw: (name, rate, bytes, answer) => {
      const time = now()
      const entry = stock.get(name) ?? { left: rate, at: time }
      entry.left = Math.min(rate, entry.left + ((time - entry.at) / 1000) * rate)
      entry.at = time
      const granted = Math.max(0, Math.min(bytes, entry.left))
      entry.left -= granted
      stock.set(name, entry)
      answer(granted)
    }
  }
}

export class Meters {
  private readonly supply: Supply
  private readonly meters = new Map<string, Meter>()
  private readonly asked = new Set<string>()
  private timer: NodeJS.Timeout | undefined

  constructor(supply: Supply) {
    this.supply = supply
    if (supply.wholeRate !== undefined) this.add(whole, supply.wholeRate)
  }

  /** What a session of the route has to pass, or null. */
  of(route: Route): ReadonlyArray<Meter> | null {
    const own = route.bytesPerSecond === undefined ? undefined : this.add(route.id, route.bytesPerSecond)
    const all = this.meters.get(whole)
    const found = [own, all].filter((meter) => meter !== undefined)
    return found.length === 0 ? null : found
  }

  /** Forgets the meters of routes that have none any more; who stands at one goes on. */
  keep(routes: ReadonlyArray<Route>): void {
    const wanted = new Set<string>(routes.filter((each) => each.bytesPerSecond !== undefined).map((each) => each.id))
    for (const [name, meter] of this.meters) {
      if (name === whole || wanted.has(name)) continue
      this.meters.delete(name)
      meter.rate = Number.POSITIVE_INFINITY
      meter.refill(Number.POSITIVE_INFINITY)
    }
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private add(name: string, rate: number): Meter {
    const meter = this.meters.get(name) ?? new Meter(rate)
    meter.rate = rate
    this.meters.set(name, meter)
    if (this.timer === undefined) {
      this.timer = setInterval(() => this.refill(), refillEvery)
      this.timer.unref()
    }
    return meter
  }

  private refill(): void {
    for (const [name, meter] of this.meters) {
      // At most what is used in a fifth of a second is fetched at once: the rest is there for the other workers.
      const wanted = Math.min(meter.missing, meter.rate / 5)
      if (wanted <= 0 || this.asked.has(name)) continue
      this.asked.add(name)
      this.supply.draw(name, meter.rate, wanted, (granted) => {
        this.asked.delete(name)
        meter.refill(granted)
      })
    }
  }
}
