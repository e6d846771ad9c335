import { readdirSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makePlane } from "./support/carriage.ts"
import { folder, makePair } from "./support/certificates.ts"
import { dial, echo, eventually, freePort, isRefused, listen, random, readSome } from "./support/net.ts"

const handles = (): number => readdirSync("/proc/self/fd").length

describe.skipIf(process.platform !== "linux")("under hostile clients", () => {
  it.live("gives back every file handle after floods of half-open, refused and reset connections", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const pair = makePair(path, "orders.test")
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const [open, full, tls, dead] = [yield* freePort, yield* freePort, yield* freePort, yield* freePort]
      const to = `127.0.0.1:${target.port}`
      yield* plane.apply(
        { id: "a.main", port: open, target: to },
        { id: "b.main", port: full, target: to, maxConnections: 1 },
        { id: "c.main", port: tls, target: to, tls: { mode: "terminate", start: "postgres", ...pair } },
        { id: "d.main", port: dead, target: "127.0.0.1:1", connectBudget: "0 millis" }
      )
      const before = handles()
      const next = random(4)
      const strike = (port: number) =>
        new Promise<void>((resolve) => {
          const socket: Socket = connect({ port, host: "127.0.0.1" })
          socket.on("error", () => undefined)
          socket.on("close", () => resolve())
          socket.resume()
          socket.on("connect", () => {
            const kind = next(4)
            if (kind > 0) socket.write(Buffer.from(Array.from({ length: 1 + next(60) }, () => next(256))))
            if (kind === 1) socket.resetAndDestroy()
            else if (kind === 2) socket.end()
            else setTimeout(() => socket.destroy(), next(30))
          })
        })
      for (let wave = 0; wave < 15; wave++) {
        yield* Effect.promise(() =>
          Promise.all(Array.from({ length: 80 }, (_, index) => strike([open, full, tls, dead][index % 4] ?? open)))
        )
      }
      yield* eventually(() => plane.carriage.connections().length === 0)
      yield* eventually(() => handles() <= before + 2)
      assert.deepStrictEqual(plane.failures, [])
      const client = yield* dial(open)
      client.write("still")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "still")
    })
  )

  it.live("spends no dial on a target that is dead, and notices when it is back", () =>
    Effect.gen(function* () {
      const plane = yield* makePlane()
      const [port, later] = [yield* freePort, yield* freePort]
      yield* plane.apply({
        id: "a.main",
        port,
        target: `127.0.0.1:${later}`,
        connectBudget: "0 millis",
        health: { interval: "100 millis", failures: 1 }
      })
      yield* eventually(() => !(plane.carriage.counters().routes[0]?.healthy ?? true))
      assert.isTrue(yield* isRefused(port))
      assert.deepStrictEqual(plane.refused, ["target_down"])
      const { createServer } = yield* Effect.promise(() => import("node:net"))
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          createServer((socket) => echo(socket.on("error", () => undefined))).listen(later, "127.0.0.1")
        ),
        (server) => Effect.sync(() => server.close())
      )
      yield* eventually(() => plane.carriage.counters().routes[0]?.healthy ?? false)
      const client = yield* dial(port)
      client.write("x")
      yield* Effect.promise(() => readSome(client, 1))
      client.destroy()
    })
  )

  it.live("fails no connection of an untouched route while the table is replaced a hundred times", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const [port, other] = [yield* freePort, yield* freePort]
      const untouched = { id: "a.main", port, target: `127.0.0.1:${target.port}` }
      yield* plane.apply(untouched)
      let failed = 0
      let stop = false
      const load = Promise.all(
        Array.from({ length: 8 }, async () => {
          while (!stop) {
            await Effect.runPromise(
              Effect.scoped(
                Effect.gen(function* () {
                  const client = yield* dial(port)
                  client.write("hello")
                  yield* Effect.promise(() => readSome(client, 5))
                  client.destroy()
                })
              )
            ).catch(() => {
              failed += 1
            })
          }
        })
      )
      for (let reload = 0; reload < 100; reload++) {
        const changing = { id: "b.main", port: other, target: `127.0.0.1:${1 + reload}` }
        yield* plane.apply(...(reload % 2 === 0 ? [untouched, changing] : [untouched]))
        yield* Effect.sleep("5 millis")
      }
      stop = true
      yield* Effect.promise(() => load)
      assert.strictEqual(failed, 0)
    })
  )
})
