/**
 * Bytes a second, shared by every session of a route or of the gateway. A chunk is carried before it is counted, so the
 * balance can be below zero by a chunk for each session; who finds it there waits for the next refill.
 */

/** What waits for a meter. */
export interface Metered {
  released(): void
}

/** Milliseconds between refills. */
export const refillEvery = 50

export class Meter {
  /** Bytes a second. */
  rate: number
  private balance: number
  private waiting: Array<Metered> = []

  constructor(rate: number) {
    this.rate = rate
    this.balance = Math.min(rate, rate / 5)
  }

  /** Takes bytes off the balance. False: there is none left, and the caller stands still until released. */
  spend(bytes: number): boolean {
    this.balance -= bytes
    return this.balance > 0
  }

  wait(one: Metered): void {
    this.waiting.push(one)
  }

  /** Adds bytes, at most a fifth of a second in stock, and lets everybody go on if there are any. */
  refill(bytes: number): void {
    this.balance = Math.min(this.rate / 5, this.balance + bytes)
    if (this.balance <= 0 || this.waiting.length === 0) return
    const waiting = this.waiting
    this.waiting = []
    for (const one of waiting) one.released()
  }

  /** What a refill could add: nothing for a meter that is full. */
  get missing(): number {
    return this.rate / 5 - this.balance
  }

  get someoneWaits(): boolean {
    return this.waiting.length > 0
  }
}
