import { assert, describe, it } from "@effect/vitest"
import { addressKey, Limiter } from "../src/plane/userspace/limits/Limiter.ts"
import { makeSupply } from "../src/plane/userspace/limits/Meters.ts"
import { Breaker } from "../src/plane/userspace/target/Breaker.ts"
import { Ledger } from "../src/plane/workers/Ledger.ts"

const limited = (limits: object, whole: object = {}) => {
  const limiter = new Limiter(whole)
  limiter.configure([{ id: "a.main", ...limits }])
  return limiter
}

describe("Limiter", () => {
  it("lets in exactly as many as the limit says, and one more after a release", () => {
    const limiter = limited({ maxConnections: 2 })
    assert.isUndefined(limiter.admit("a.main", "10.0.0.1", 1))
    assert.isUndefined(limiter.admit("a.main", "10.0.0.2", 1))
    assert.strictEqual(limiter.admit("a.main", "10.0.0.3", 1), "route_full")
    limiter.release("a.main", "10.0.0.1")
    assert.isUndefined(limiter.admit("a.main", "10.0.0.3", 1))
  })

  it("counts an address by itself, and an IPv6 client by its network", () => {
    const limiter = limited({ maxConnectionsPerAddress: 1 })
    assert.isUndefined(limiter.admit("a.main", "2001:db8::1", 1))
    assert.strictEqual(limiter.admit("a.main", "2001:db8::2", 1), "address_full")
    assert.isUndefined(limiter.admit("a.main", "2001:db8:0:1::1", 1))
    assert.strictEqual(addressKey("2001:db8:0:0:1::"), "2001:db8:0:0::/64")
    assert.strictEqual(addressKey("10.0.0.1"), "10.0.0.1")
  })

  it("takes a second's worth at once and earns the rest by time", () => {
    const limiter = limited({ newConnectionsPerSecond: 2 })
    const at = (now: number) => limiter.admit("a.main", "10.0.0.1", now)
    assert.deepStrictEqual([at(1000), at(1000), at(1000)], [undefined, undefined, "rate"])
    assert.strictEqual(at(1499), "rate")
    assert.isUndefined(at(1500))
    assert.strictEqual(at(1500), "rate")
  })

  it("keeps the limits of the whole gateway over all routes", () => {
    const limiter = new Limiter({ maxConnections: 1 })
    limiter.configure([{ id: "a.main" }, { id: "b.main" }])
    assert.isUndefined(limiter.admit("a.main", "10.0.0.1", 1))
    assert.strictEqual(limiter.admit("b.main", "10.0.0.1", 1), "gateway_full")
  })

  it("cuts nobody when a limit is lowered", () => {
    const limiter = limited({ maxConnections: 3 })
    for (const address of ["10.0.0.1", "10.0.0.2"]) assert.isUndefined(limiter.admit("a.main", address, 1))
    limiter.configure([{ id: "a.main", maxConnections: 1 }])
    assert.strictEqual(limiter.open, 2)
    limiter.release("a.main", "10.0.0.1")
    assert.strictEqual(limiter.admit("a.main", "10.0.0.3", 1), "route_full")
  })
})

describe("Ledger", () => {
  it("gives back everything that a dead worker held, once", () => {
    const limiter = limited({ maxConnections: 3 })
    const [one, two] = [new Ledger(limiter), new Ledger(limiter)]
    assert.isUndefined(one.admit("a.main", "10.0.0.1"))
    assert.isUndefined(one.admit("a.main", "10.0.0.1"))
    assert.isUndefined(two.admit("a.main", "10.0.0.2"))
    one.releaseAll()
    one.release("a.main", "10.0.0.1")
    assert.strictEqual(limiter.open, 1)
  })
})

describe("Supply", () => {
  it("hands out a second's worth, and then what time has brought", () => {
    let now = 0
    const supply = makeSupply(undefined, () => now)
    const draw = (bytes: number) => {
      let got = -1
      supply.draw("a.main", 1000, bytes, (granted) => {
        got = granted
      })
      return got
    }
    assert.deepStrictEqual([draw(600), draw(600), draw(600)], [600, 400, 0])
    now = 250
    assert.strictEqual(draw(600), 250)
  })
})

describe("Breaker", () => {
  it("opens at the last failure, lets one try after the wait, and waits twice as long after that failed", () => {
    const breaker = new Breaker({ failures: 2, wait: 100, longestWait: 300 })
    breaker.failed(0)
    assert.isTrue(breaker.permits(0))
    breaker.failed(0)
    assert.isFalse(breaker.permits(99))
    assert.isTrue(breaker.permits(100))
    assert.isFalse(breaker.permits(100))
    breaker.failed(100)
    assert.isFalse(breaker.permits(299))
    assert.isTrue(breaker.permits(300))
    breaker.succeeded()
    assert.isFalse(breaker.open)
    assert.isTrue(breaker.permits(300))
  })
})
