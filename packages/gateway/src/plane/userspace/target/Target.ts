/** A target and how it is reached: all its addresses in turn, again within a budget, and not at all while it is dead. */
import { hostAndPort } from "../../../client/Route.ts"
import * as Wire from "../wire/Wire.ts"
import { Breaker } from "./Breaker.ts"
import { Addresses, type Resolve } from "./Resolver.ts"

export interface Patience {
  /** Milliseconds for one attempt. */
  readonly attempt: number
  /** Milliseconds for all attempts together. */
  readonly budget: number
}

export interface Reached {
  readonly wire: Wire.Wire
  /** Address and port that answered. */
  readonly address: string
}

/** `refused` while the target counts as dead, `failed` when nobody answered in time. */
export type Missed = "refused" | "failed"

const firstPause = 50
const longestPause = 1000

export class Target {
  readonly host: string
  readonly port: number
  readonly breaker = new Breaker()
  /** Set by active checks. */
  down = false
  private readonly addresses: Addresses
  private turn = 0

  constructor(target: string, resolve: Resolve) {
    const { host, port } = hostAndPort(target)
    this.host = host
    this.port = port
    this.addresses = new Addresses(host, resolve)
  }

  get healthy(): boolean {
    return !this.down && !this.breaker.open
  }

  /** Dials. One of the two callbacks is called, once, unless cancelled. */
  dial(patience: Patience, reached: (to: Reached) => void, missed: (why: Missed) => void): Wire.Attempt {
    if (this.down || !this.breaker.permits(performance.now())) {
      let called = true
      queueMicrotask(() => called && missed("refused"))
      return {
        cancel: () => {
          called = false
        }
      }
    }
    return new Dial(this, patience, reached, missed)
  }

  /** Dials each address once and hangs up: whether anybody is there. */
  check(milliseconds: number, done: (alive: boolean) => void): Wire.Attempt {
    return new Dial(
      this,
      { attempt: milliseconds, budget: 0 },
      ({ wire }) => {
        Wire.close(wire)
        done(true)
      },
      () => done(false),
      true
    )
  }

  /** The addresses to try, each client beginning with the next one; at once when they are known. */
  choose(found: (addresses: ReadonlyArray<string>) => void, failed: () => void) {
    const known = this.addresses.current(performance.now())
    if (known !== undefined) return found(this.rotated(known))
    this.addresses.refresh(() => performance.now()).then((addresses) => found(this.rotated(addresses)), failed)
  }

  distrust() {
    this.addresses.distrust()
  }

  private rotated(addresses: ReadonlyArray<string>): ReadonlyArray<string> {
    if (addresses.length < 2) return addresses
    const start = this.turn++ % addresses.length
    return [...addresses.slice(start), ...addresses.slice(0, start)]
  }
}

class Dial implements Wire.Attempt {
  private readonly target: Target
  private readonly patience: Patience
  private readonly reached: (to: Reached) => void
  private readonly missed: (why: Missed) => void
  private readonly probe: boolean
  private readonly deadline: number
  private attempt: Wire.Attempt | undefined
  private timer: NodeJS.Timeout | undefined
  private pause = firstPause
  private over = false

  constructor(
    target: Target,
    patience: Patience,
    reached: (to: Reached) => void,
    missed: (why: Missed) => void,
    probe = false
  ) {
    this.target = target
    this.patience = patience
    this.reached = reached
    this.missed = missed
    this.probe = probe
    this.deadline = performance.now() + patience.budget
    this.round()
  }

  cancel() {
    if (this.over) return
    this.over = true
    if (!this.probe) this.target.breaker.abandoned()
    this.attempt?.cancel()
    clearTimeout(this.timer)
  }

  private round() {
    this.target.choose(
      (addresses) => this.next(addresses, 0),
      () => this.again()
    )
  }

  private next(addresses: ReadonlyArray<string>, index: number) {
    if (this.over) return
    const address = addresses[index]
    if (address === undefined) return this.again()
    const left = this.patience.budget === 0 ? this.patience.attempt : this.deadline - performance.now()
    if (left <= 0) return this.give()
    this.attempt = Wire.dial(
      address,
      this.target.port,
      Math.min(this.patience.attempt, Math.max(1, left)),
      (error, wire) => {
        this.attempt = undefined
        if (wire === undefined || error !== undefined) return this.next(addresses, index + 1)
        this.over = true
        if (!this.probe) this.target.breaker.succeeded()
        const host = address.includes(":") ? `[${address}]` : address
        this.reached({ wire, address: `${host}:${this.target.port}` })
      }
    )
  }

  /** No address answered: a name may have moved, so it is resolved again before the next round. */
  private again() {
    if (this.over) return
    this.target.distrust()
    if (performance.now() + this.pause >= this.deadline) return this.give()
    this.timer = setTimeout(() => this.round(), this.pause)
    this.pause = Math.min(longestPause, this.pause * 2)
  }

  private give() {
    this.over = true
    if (!this.probe) this.target.breaker.failed(performance.now())
    this.missed("failed")
  }
}
