import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Duplex } from "node:stream"
import { connect as connectTls } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, type Scope } from "effect"
import { WebSocket } from "ws"
import * as Admin from "../src/admin/Admin.ts"
import { Gateway } from "../src/index.ts"
import * as ProxyHeader from "../src/plane/userspace/opening/ProxyHeader.ts"
import { TunnelStream } from "../src/tunnel/TunnelStream.ts"
import { folder, makePair, type Pair } from "./support/certificates.ts"
import { dial, echo, freePort, listen, random, receive } from "./support/net.ts"

const token = "correct-horse-battery-staple"
/** Goes through to the socket; the public type does not name it. */
const halfOpen: object = { allowHalfOpen: true }
const ends = { source: "203.0.113.7", sourcePort: 999, destination: "198.51.100.1", destinationPort: 5432 }

interface Ways {
  readonly port: number
  readonly admin: number
  readonly pair: Pair
}

interface Mode {
  readonly name: string
  readonly fields: (pair: Pair) => object
  readonly open: (ways: Ways) => Effect.Effect<Duplex, Error, Scope.Scope>
}

const modes: ReadonlyArray<Mode> = [
  { name: "plain", fields: () => ({}), open: ({ port }) => dial(port) },
  {
    name: "TLS",
    fields: (pair) => ({ tls: { mode: "terminate", ...pair } }),
    open: ({ port, pair }) =>
      Effect.map(dial(port), (socket) =>
        connectTls({ socket, servername: "orders.test", ca: readFileSync(pair.certificate), ...halfOpen })
      )
  },
  {
    name: "a PROXY header",
    fields: () => ({ proxyFrom: ["127.0.0.0/8"], allow: ["203.0.113.0/24"] }),
    open: ({ port }) =>
      Effect.map(dial(port), (socket) => {
        socket.write(ProxyHeader.encodeV2(ends))
        return socket
      })
  },
  {
    name: "a WebSocket",
    fields: () => ({}),
    open: ({ admin }) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const headers = { authorization: `Bearer ${token}` }
          return new TunnelStream(
            new WebSocket(`ws://127.0.0.1:${admin}/v1/tunnel/orders.main`, ["berth"], { headers })
          )
        }),
        (stream) => Effect.sync(() => stream.destroy())
      )
  }
]

/** Writes chunks of random sizes at random times and ends; the digest of what was written. */
const sendRandomly = async (stream: Duplex, seed: number): Promise<string> => {
  const next = random(seed)
  const hash = createHash("sha256")
  for (let index = 0; index < 60; index++) {
    const chunk = Buffer.alloc(next(3) === 0 ? 1 + next(150_000) : 1 + next(1500), next(256))
    hash.update(chunk)
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once("drain", resolve))
    if (next(3) === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  stream.end()
  return hash.digest("hex")
}

describe("every byte comes back after the half-close, through", () => {
  it.live.each(modes)("$name", ({ fields, open }) =>
    Effect.gen(function* () {
      const pair = makePair(yield* folder, "orders.test")
      const target = yield* listen(echo)
      const gateway = yield* Gateway
      const port = yield* freePort
      yield* gateway.apply([{ id: "orders.main", port, target: `127.0.0.1:${target.port}`, ...fields(pair) }])
      const admin = yield* Admin.serve({
        address: { kind: "tcp", host: "127.0.0.1", port: 0 },
        token: Redacted.make(token),
        ready: Effect.succeed(true)
      })
      const seeds = [1, 2, 3, 4, 5, 6]
      yield* Effect.forEach(
        seeds,
        (seed) =>
          Effect.gen(function* () {
            const stream = yield* open({ port, admin: admin.port, pair })
            const received = receive(stream)
            const sent = yield* Effect.promise(() => sendRandomly(stream, seed))
            const back = yield* Effect.promise(() => received)
            assert.strictEqual(back.ended, "end")
            assert.strictEqual(back.sha256, sent)
          }),
        { concurrency: seeds.length }
      )
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )
})
