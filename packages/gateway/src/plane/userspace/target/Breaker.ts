/**
 * Spares a dead target, and the gateway, the dials that would fail: after some failures in a row nobody is dialled for a
 * while, then one client tries, and each failed try doubles the wait. Pure in the time that is passed in.
 */
export interface Settings {
  /** Failures in a row that open the breaker. */
  readonly failures: number
  /** First and longest wait in milliseconds. */
  readonly wait: number
  readonly longestWait: number
}

export const defaults: Settings = { failures: 5, wait: 500, longestWait: 15_000 }

export class Breaker {
  private readonly settings: Settings
  private inARow = 0
  private wait: number
  private closedUntil = 0
  private trying = false

  constructor(settings: Settings = defaults) {
    this.settings = settings
    this.wait = settings.wait
  }

  get open(): boolean {
    return this.inARow >= this.settings.failures
  }

  /** Whether one may dial now. While open, one at a time may, once the wait is over. */
  permits(now: number): boolean {
    if (!this.open) return true
    if (this.trying || now < this.closedUntil) return false
    this.trying = true
    return true
  }

  succeeded(): void {
    this.inARow = 0
    this.trying = false
    this.wait = this.settings.wait
  }

  failed(now: number): void {
    this.inARow += 1
    if (!this.open) return
    if (this.trying) this.wait = Math.min(this.settings.longestWait, this.wait * 2)
    this.trying = false
    this.closedUntil = now + this.wait
  }

  /** The one who tried gave up before there was an answer. */
  abandoned(): void {
    this.trying = false
  }
}
