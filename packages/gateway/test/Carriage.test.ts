import { createHash } from "node:crypto"
import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makePlane } from "./support/carriage.ts"
import {
  closed,
  dial,
  echo,
  eventually,
  freePort,
  isRefused,
  listen,
  random,
  readAll,
  readSome,
  receive
} from "./support/net.ts"

const route = (port: number, target: number, more: object = {}) => ({
  id: "orders.postgres",
  port,
  target: `127.0.0.1:${target}`,
  ...more
})

/** Sends chunks of random sizes with random pauses, then ends; the digest of what was sent. */
const sendRandomly = async (socket: Socket, seed: number, chunks: number, first?: Buffer): Promise<string> => {
  const next = random(seed)
  const hash = createHash("sha256")
  if (first !== undefined) {
    hash.update(first)
    socket.write(first)
  }
  for (let index = 0; index < chunks; index++) {
    const chunk = Buffer.alloc(next(4) === 0 ? 1 + next(200_000) : 1 + next(1500), next(256))
    hash.update(chunk)
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once("drain", resolve))
    if (next(3) === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  socket.end()
  return hash.digest("hex")
}

describe("Carriage", () => {
  it.live("carries every byte of both directions, of sessions that half-close at different times", () =>
    Effect.gen(function* () {
      const sent = new Map<number, Promise<string>>()
      const got = new Map<number, ReturnType<typeof receive>>()
      const target = yield* listen((socket) => {
        socket.once("data", (first: Buffer) => {
          const seed = first[0] ?? 0
          socket.pause()
          socket.unshift(first)
          got.set(seed, receive(socket))
          sent.set(seed, sendRandomly(socket, seed + 1000, 60))
        })
      })
      const plane = yield* makePlane()
      const port = yield* freePort
      assert.deepStrictEqual(yield* plane.apply(route(port, target.port)), [])
      yield* Effect.forEach(
        Array.from({ length: 20 }, (_, index) => index),
        (seed) =>
          Effect.gen(function* () {
            const client = yield* dial(port)
            const received = receive(client)
            const hash = yield* Effect.promise(() => sendRandomly(client, seed, 10 + seed * 5, Buffer.of(seed)))
            const down = yield* Effect.promise(() => received)
            assert.strictEqual(down.ended, "end")
            assert.strictEqual(down.sha256, yield* Effect.promise(() => sent.get(seed) ?? Promise.resolve("")))
            const up = yield* Effect.promise(() => got.get(seed) ?? Promise.reject(new Error("not seen")))
            assert.strictEqual(up.ended, "end")
            assert.strictEqual(up.sha256, hash)
          }),
        { concurrency: 10 }
      )
      yield* eventually(() => plane.ended.length === 20)
      assert.isTrue(plane.ended.every((session) => session.ending === "closed"))
      assert.deepStrictEqual(plane.failures, [])
    })
  )

  it.live("lets a client that has sent everything read the answer", () =>
    Effect.gen(function* () {
      const target = yield* listen((socket) => {
        void readAll(socket).then((text) => socket.end(`got ${text}`))
      })
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port))
      const client = yield* dial(port)
      client.end("everything")
      assert.strictEqual(yield* Effect.promise(() => readAll(client)), "got everything")
    })
  )

  it.live("tells a client of a target's reset by a reset", () =>
    Effect.gen(function* () {
      const target = yield* listen((socket) => socket.once("data", () => socket.resetAndDestroy()))
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port))
      const client = yield* dial(port)
      client.write("x")
      assert.isTrue(yield* Effect.promise(() => closed(client)))
      yield* eventually(() => plane.ended.length === 1)
      assert.strictEqual(plane.ended[0]?.ending, "target_reset")
    })
  )

  it.live("tells a target of a client's reset by a reset", () =>
    Effect.gen(function* () {
      let broken: Promise<boolean> | undefined
      const target = yield* listen((socket) => {
        broken = closed(socket)
        socket.write("hello")
      })
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port))
      const client = yield* dial(port)
      yield* Effect.promise(() => readSome(client, 5))
      client.resetAndDestroy()
      yield* eventually(() => plane.ended.length === 1)
      assert.strictEqual(plane.ended[0]?.ending, "client_reset")
      assert.isTrue(yield* Effect.promise(() => broken ?? Promise.resolve(false)))
    })
  )

  it.live("adds less than 8 MB for a gigabyte to a reader that has stopped reading", () =>
    Effect.gen(function* () {
      const gigabyte = 2 ** 30
      let written = 0
      const target = yield* listen((socket) => {
        const chunk = Buffer.alloc(1 << 20, 7)
        const more = () => {
          while (written < gigabyte && socket.write(chunk)) written += chunk.length
        }
        socket.on("drain", more)
        more()
      })
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port))
      const before = process.memoryUsage()
      const client = yield* dial(port)
      client.pause()
      yield* eventually(() => (plane.carriage.connections()[0]?.bytesDown ?? 0) > 100_000)
      yield* Effect.sleep("300 millis")
      const after = process.memoryUsage()
      assert.isBelow(after.arrayBuffers - before.arrayBuffers, 8 << 20)
      assert.isBelow(plane.carriage.connections()[0]?.bytesDown ?? 0, 64 << 20)
      client.destroy()
    })
  )

  it.live("keeps live sessions when the table changes, and cuts those of a route that left it", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const [one, two] = [yield* freePort, yield* freePort]
      const users = { ...route(two, target.port), id: "users.postgres" }
      yield* plane.apply(route(one, target.port), users)
      const [kept, cut] = [yield* dial(one), yield* dial(two)]
      kept.write("a")
      cut.write("b")
      yield* Effect.promise(() => Promise.all([readSome(kept, 1), readSome(cut, 1)]))
      yield* plane.apply(route(one, target.port, { maxConnections: 5 }))
      const gone = closed(cut)
      yield* Effect.promise(() => plane.carriage.cut({ route: "users.postgres" }))
      assert.isTrue(yield* Effect.promise(() => gone))
      assert.strictEqual((yield* Effect.flip(dial(two))).message.includes("ECONNREFUSED"), true)
      kept.write("c")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(kept, 1))), "c")
    })
  )

  it.live("changes nothing when one port of a new table is held by another program", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const [one, two] = [yield* freePort, yield* freePort]
      yield* plane.apply(route(one, target.port))
      const occupied = { ...route(target.port, 1), id: "users.postgres" }
      const fresh = { ...route(two, target.port), id: "carts.redis" }
      assert.deepStrictEqual(yield* plane.apply(fresh, occupied), ["users.postgres port port_occupied"])
      yield* Effect.flip(dial(two))
      const client = yield* dial(one)
      client.write("still")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "still")
    })
  )

  it.live("cuts a client whose network is no longer allowed", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { allow: ["127.0.0.0/8"] }))
      const client = yield* dial(port)
      client.write("x")
      yield* Effect.promise(() => readSome(client, 1))
      const gone = closed(client)
      yield* plane.apply(route(port, target.port, { allow: ["10.0.0.0/8"] }))
      assert.isTrue(yield* Effect.promise(() => gone))
      assert.strictEqual(plane.ended[0]?.ending, "no_longer_allowed")
    })
  )

  it.live("does not dial the target for a client that is not allowed", () =>
    Effect.gen(function* () {
      let dialled = 0
      const target = yield* listen(() => {
        dialled += 1
      })
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { allow: ["0.0.0.0/0"], deny: ["127.0.0.1/32"] }))
      assert.isTrue(yield* isRefused(port))
      assert.deepStrictEqual(plane.refused, ["denied"])
      assert.strictEqual(dialled, 0)
    })
  )

  it.live("refuses the connection above the limit and takes the next one after a release", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { maxConnections: 2 }))
      const first = yield* dial(port)
      yield* dial(port)
      yield* eventually(() => plane.carriage.connections().length === 2)
      assert.isTrue(yield* isRefused(port))
      assert.deepStrictEqual(plane.refused, ["route_full"])
      first.destroy()
      yield* eventually(() => plane.carriage.connections().length === 1)
      const fourth = yield* dial(port)
      fourth.write("x")
      yield* Effect.promise(() => readSome(fourth, 1))
    })
  )

  it.live("retries a target that is not up yet, within the budget", () =>
    Effect.gen(function* () {
      const plane = yield* makePlane()
      const [port, later] = [yield* freePort, yield* freePort]
      yield* plane.apply(route(port, later, { connectBudget: "5 seconds" }))
      const client = yield* dial(port)
      client.write("x")
      yield* Effect.sleep("100 millis")
      const { createServer } = yield* Effect.promise(() => import("node:net"))
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          createServer((socket) => echo(socket.on("error", () => undefined))).listen(later, "127.0.0.1")
        ),
        (server) => Effect.sync(() => server.close())
      )
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 1))), "x")
      client.destroy()
    })
  )

  it.live("ends a session that is idle for longer than its route asks, and no other", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const [one, two] = [yield* freePort, yield* freePort]
      yield* plane.apply(route(one, target.port, { idleTimeout: "300 millis" }), {
        ...route(two, target.port),
        id: "users.postgres"
      })
      const [idle, quiet] = [yield* dial(one), yield* dial(two)]
      assert.isTrue(yield* Effect.promise(() => closed(idle)))
      assert.deepStrictEqual(
        plane.ended.map((each) => each.ending),
        ["idle"]
      )
      quiet.write("x")
      yield* Effect.promise(() => readSome(quiet, 1))
    })
  )

  it.live("keeps the byte rate of a route over all its sessions", () =>
    Effect.gen(function* () {
      const target = yield* listen((socket) => socket.end(Buffer.alloc(200_000)))
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { bytesPerSecond: 200_000 }))
      const started = performance.now()
      const clients = [yield* dial(port), yield* dial(port), yield* dial(port), yield* dial(port)]
      const got = yield* Effect.promise(() => Promise.all(clients.map(receive)))
      assert.deepStrictEqual(
        got.map((each) => each.bytes),
        [200_000, 200_000, 200_000, 200_000]
      )
      // 800 KB at 200 KB a second; a second's worth and a chunk for each session may come at once.
      assert.isAbove(performance.now() - started, 1000)
    })
  )
})
