import { createSocket } from "node:dgram"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Addresses, viaServers } from "../src/plane/userspace/target/Resolver.ts"
import { makePlane } from "./support/carriage.ts"
import { dial, echo, freePort, listen, readSome } from "./support/net.ts"

/** A DNS server that knows one IPv4 address for every name, with a time to live. */
const dnsServer = (address: string, ttl: number) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{ readonly port: number; readonly close: () => void }>((resolve) => {
          const server = createSocket("udp4")
          server.on("message", (query, from) => {
            const end = query.indexOf(0, 12) + 5
            const isA = query.readUInt16BE(end - 4) === 1
            const head = Buffer.from(query.subarray(0, 12))
            head.writeUInt16BE(0x8180, 2)
            head.writeUInt16BE(isA ? 1 : 0, 6)
            head.writeUInt32BE(0, 8)
            const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4, ...address.split(".").map(Number)])
            server.send(Buffer.concat([head, query.subarray(12, end), isA ? record : Buffer.alloc(0)]), from.port)
          })
          server.bind(0, "127.0.0.1", () => resolve({ port: server.address().port, close: () => server.close() }))
        })
    ),
    ({ close }) => Effect.sync(close)
  )

describe("Resolver", () => {
  it.live("learns addresses and their time to live from a real DNS answer", () =>
    Effect.gen(function* () {
      const dns = yield* dnsServer("127.0.0.9", 7)
      const resolve = viaServers([`127.0.0.1:${dns.port}`])
      assert.deepStrictEqual(yield* Effect.promise(() => resolve("orders.internal.test")), {
        addresses: ["127.0.0.9"],
        ttl: 7
      })
    })
  )

  it.live("asks again when the time is over or nobody answered, and keeps what it knew when nobody can tell", () =>
    Effect.gen(function* () {
      let asked = 0
      let now = 0
      const addresses = new Addresses("db", () => {
        asked += 1
        return asked === 2
          ? Promise.reject(new Error("away"))
          : Promise.resolve({ addresses: [`10.0.0.${asked}`], ttl: 5 })
      })
      const get = () => Effect.promise(() => addresses.refresh(() => now))
      assert.isUndefined(addresses.current(now))
      yield* get()
      assert.deepStrictEqual(addresses.current(4999), ["10.0.0.1"])
      assert.isUndefined(addresses.current(5000))
      now = 5000
      assert.deepStrictEqual(yield* get(), ["10.0.0.1"])
      yield* get()
      assert.deepStrictEqual(addresses.current(now), ["10.0.0.3"])
      addresses.distrust()
      assert.isUndefined(addresses.current(now))
    })
  )

  it.live("tries every address of a name, and finds a target that has moved", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      let known = ["127.0.0.2", "127.0.0.1"]
      const plane = yield* makePlane({ resolve: () => Promise.resolve({ addresses: known, ttl: 3600 }) })
      const port = yield* freePort
      yield* plane.apply({ id: "a.main", port, target: `db.test:${target.port}` })
      const says = Effect.gen(function* () {
        const client = yield* dial(port)
        client.write("x")
        yield* Effect.promise(() => readSome(client, 1))
        client.destroy()
      })
      yield* says
      yield* says
      known = ["127.0.0.3"]
      const moved = yield* makePlane({ resolve: () => Promise.resolve({ addresses: known, ttl: 3600 }) })
      const second = yield* freePort
      yield* moved.apply({ id: "a.main", port: second, target: `db.test:${target.port}` })
      const client = yield* dial(second)
      client.write("y")
      yield* Effect.sleep("100 millis")
      known = ["127.0.0.1"]
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 1))), "y")
      client.destroy()
    })
  )
})
