/** Whom each worker was let in for, so that what a dead worker held is given back. */
import type { Refusal } from "../../client/Connection.ts"
import type { Limiter } from "../userspace/limits/Limiter.ts"

export class Ledger {
  private readonly limiter: Limiter
  private readonly held = new Map<string, { readonly route: string; readonly address: string; count: number }>()

  constructor(limiter: Limiter) {
    this.limiter = limiter
  }

  admit(route: string, address: string): Refusal | undefined {
    const refusal = this.limiter.admit(route, address, performance.now())
    if (refusal !== undefined) return refusal
    const key = `${route} ${address}`
    const entry = this.held.get(key)
    if (entry === undefined) this.held.set(key, { route, address, count: 1 })
    else entry.count += 1
    return undefined
  }

  release(route: string, address: string): void {
    const key = `${route} ${address}`
    const entry = this.held.get(key)
    if (entry === undefined) return
    entry.count -= 1
    if (entry.count === 0) this.held.delete(key)
    this.limiter.release(route, address)
  }

  releaseAll(): void {
    for (const { route, address, count } of this.held.values()) {
      for (let left = count; left > 0; left--) this.limiter.release(route, address)
    }
    this.held.clear()
  }
}
