/**
 * Who is let in: counts and rates of each route and of the whole gateway. One limiter counts for all workers, so a
 * limit is never that of a worker. Decisions are pure in the time that is passed in.
 */
import type { Refusal } from "../../../client/Connection.ts"

export interface Limits {
  readonly maxConnections?: number
  readonly maxConnectionsPerAddress?: number
  readonly newConnectionsPerSecond?: number
  readonly bytesPerSecond?: number
}

/**
 * Asked for each new session, answered at once in one process and by message from a worker. Whoever was let in is
 * given back with `release`.
 */
export interface Admission {
  admit(route: string, address: string, answer: (refusal: Refusal | undefined) => void): void
  release(route: string, address: string): void
}

/** Counts an IPv6 client by its /64: that is what one customer gets, and he could use a new address each time. */
export const addressKey = (address: string): string => {
  if (!address.includes(":")) return address
  const [head = "", tail] = address.split("::")
  const left = head === "" ? [] : head.split(":")
  const right = tail === undefined || tail === "" ? [] : tail.split(":")
  const missing = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`
}

class Gate {
  limits: Limits
  open = 0
  readonly addresses = new Map<string, number>()
  private tokens: number
  private filledAt = 0

  constructor(limits: Limits) {
    this.limits = limits
    this.tokens = limits.newConnectionsPerSecond ?? 0
  }

  check(address: string, now: number): "full" | "address" | "rate" | undefined {
    const { maxConnections, maxConnectionsPerAddress, newConnectionsPerSecond } = this.limits
    if (maxConnections !== undefined && this.open >= maxConnections) return "full"
    if (maxConnectionsPerAddress !== undefined && (this.addresses.get(address) ?? 0) >= maxConnectionsPerAddress) {
      return "address"
    }
    if (newConnectionsPerSecond !== undefined) {
      const earned = ((now - this.filledAt) / 1000) * newConnectionsPerSecond
      this.tokens = this.filledAt === 0 ? this.tokens : Math.min(newConnectionsPerSecond, this.tokens + earned)
      this.filledAt = now
      if (this.tokens < 1) return "rate"
    }
    return undefined
  }

  enter(address: string): void {
    this.open += 1
    if (this.limits.newConnectionsPerSecond !== undefined) this.tokens -= 1
    this.addresses.set(address, (this.addresses.get(address) ?? 0) + 1)
  }

  leave(address: string): void {
    this.open -= 1
    const left = (this.addresses.get(address) ?? 1) - 1
    if (left > 0) this.addresses.set(address, left)
    else this.addresses.delete(address)
  }
}

const ofRoute = { full: "route_full", address: "address_full", rate: "rate" } as const
const ofGateway = { full: "gateway_full", address: "gateway_address_full", rate: "gateway_rate" } as const

export class Limiter {
  private readonly whole: Gate
  private readonly routes = new Map<string, Gate>()

  constructor(whole: Limits) {
    this.whole = new Gate(whole)
  }

  /** Takes the limits of a new table. Counts go on: a lower limit cuts nobody, it lets nobody else in. */
  configure(routes: ReadonlyArray<Limits & { readonly id: string }>): void {
    const kept = new Set<string>()
    for (const route of routes) {
      kept.add(route.id)
      const gate = this.routes.get(route.id)
      if (gate === undefined) this.routes.set(route.id, new Gate(route))
      else gate.limits = route
    }
    for (const [id, gate] of this.routes) if (!kept.has(id) && gate.open === 0) this.routes.delete(id)
  }

  /** `now` in milliseconds, from a clock that never goes back. */
  admit(route: string, address: string, now: number): Refusal | undefined {
    const key = addressKey(address)
    const gate = this.gate(route)
    const own = gate.check(key, now)
    if (own !== undefined) return ofRoute[own]
    const all = this.whole.check(key, now)
    if (all !== undefined) return ofGateway[all]
    gate.enter(key)
    this.whole.enter(key)
    return undefined
  }

  release(route: string, address: string): void {
    const key = addressKey(address)
    this.gate(route).leave(key)
    this.whole.leave(key)
  }

  get open(): number {
    return this.whole.open
  }

  private gate(route: string): Gate {
    const found = this.routes.get(route)
    if (found !== undefined) return found
    const made = new Gate({})
    this.routes.set(route, made)
    return made
  }
}

/** The admission of a gateway that is one process. */
export const local = (limiter: Limiter): Admission => ({
  admit: (route, address, answer) => answer(limiter.admit(route, address, performance.now())),
  release: (route, address) => limiter.release(route, address)
})
