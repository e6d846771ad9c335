import { copyFileSync, readFileSync } from "node:fs"
import type { Socket } from "node:net"
import { connect as connectTls, createServer as createTls, type TLSSocket } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Postgres from "../src/plane/userspace/opening/Postgres.ts"
import * as ProxyHeader from "../src/plane/userspace/opening/ProxyHeader.ts"
import { makePlane } from "./support/carriage.ts"
import { folder, makePair, type Pair } from "./support/certificates.ts"
import { closed, dial, echo, eventually, freePort, isRefused, listen, readAll, readSome } from "./support/net.ts"

const secure = (socket: Socket, servername: string, ca: string, more: object = {}): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const client = connectTls({ socket, servername, ca: readFileSync(ca), ...more }, () => resolve(client))
    client.once("error", reject)
    client.once("close", () => reject(new Error("closed")))
  })

const tlsEcho = (pair: Pair) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{ port: number; close: () => void }>((resolve) => {
          const server = createTls({ cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }, (socket) => {
            socket.on("error", () => undefined)
            socket.pipe(socket)
          }).listen(0, "127.0.0.1", () => {
            const address = server.address()
            resolve({
              port: typeof address === "object" && address !== null ? address.port : 0,
              close: () => server.close()
            })
          })
        })
    ),
    ({ close }) => Effect.sync(close)
  )

const route = (port: number, target: number, more: object) => ({
  id: "orders.postgres",
  port,
  target: `127.0.0.1:${target}`,
  ...more
})

describe("TLS", () => {
  it.live("ends at the gateway, and the target gets plain text and the half-close", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const pair = makePair(path, "orders.test")
      const target = yield* listen((socket) => void readAll(socket).then((text) => socket.end(`got ${text}`)))
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { tls: { mode: "terminate", ...pair } }))
      const socket = yield* dial(port)
      const client = yield* Effect.promise(() =>
        secure(socket, "orders.test", pair.certificate, { allowHalfOpen: true })
      )
      client.end("everything")
      assert.strictEqual(yield* Effect.promise(() => readAll(client)), "got everything")
    })
  )

  it.live("begins after the Postgres question, after GSS, or directly with the protocol's name", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const pair = makePair(path, "orders.test")
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { tls: { mode: "terminate", start: "postgres", ...pair } }))
      const talk = (socket: Socket, more: object = {}) =>
        Effect.gen(function* () {
          const client = yield* Effect.promise(() => secure(socket, "orders.test", pair.certificate, more))
          client.write("hello")
          assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "hello")
          return client
        })
      const asked = yield* dial(port)
      asked.write(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]))
      assert.strictEqual(String(yield* Effect.promise(() => readSome(asked, 1))), "N")
      asked.write(Postgres.sslRequest)
      assert.strictEqual(String(yield* Effect.promise(() => readSome(asked, 1))), "S")
      yield* talk(asked)
      const direct = yield* talk(yield* dial(port), { ALPNProtocols: ["postgresql"] })
      assert.strictEqual(direct.alpnProtocol, "postgresql")
    })
  )

  it.live("tells a Postgres client without TLS in its own words that it is required", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const pair = makePair(path, "orders.test")
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, 1, { tls: { mode: "terminate", start: "postgres", ...pair } }))
      const client = yield* dial(port)
      client.write(Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]))
      assert.include(yield* Effect.promise(() => readAll(client)), "this port requires TLS")
      assert.deepStrictEqual(plane.refused, ["tls_required"])
    })
  )

  it.live("routes one port by server name, handed through or ended, and refuses a name it does not know", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [one, two] = [makePair(path, "one.test"), makePair(path, "two.test")]
      const through = yield* tlsEcho(one)
      const plain = yield* listen((socket) => socket.end("two"))
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, through.port, { tls: { mode: "passthrough", serverNames: ["one.test"] } }), {
        ...route(port, plain.port, { tls: { mode: "terminate", serverNames: ["*.test"], ...two } }),
        id: "users.redis"
      })
      const socketOne = yield* dial(port)
      const clientOne = yield* Effect.promise(() => secure(socketOne, "one.test", one.certificate))
      clientOne.write("one")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(clientOne, 3))), "one")
      const socketTwo = yield* dial(port)
      const clientTwo = yield* Effect.promise(() => secure(socketTwo, "two.test", two.certificate))
      assert.strictEqual(yield* Effect.promise(() => readAll(clientTwo)), "two")
      const unknown = yield* dial(port)
      yield* Effect.flip(Effect.tryPromise(() => secure(unknown, "three.example", one.certificate)))
      assert.deepStrictEqual(plane.refused, ["unknown_server_name"])
    })
  )

  it.live("verifies the certificate of the target", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [right, other] = [makePair(path, "db.test"), makePair(path, "db.test", "other")]
      const target = yield* tlsEcho(right)
      const plane = yield* makePlane()
      const [good, bad] = [yield* freePort, yield* freePort]
      const named = { serverName: "db.test" }
      yield* plane.apply(route(good, target.port, { targetTls: { ca: right.certificate, ...named } }), {
        ...route(bad, target.port, { targetTls: { ca: other.certificate, ...named } }),
        id: "users.postgres"
      })
      const client = yield* dial(good)
      client.write("hello")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "hello")
      assert.isTrue(yield* isRefused(bad))
      assert.deepStrictEqual(plane.refused, ["dial_failed"])
    })
  )

  it.live("serves a changed certificate to new clients, and keeps the old one when the new cannot be used", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const served = makePair(path, "a.test", "served")
      const next = makePair(path, "a.test", "next")
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { tls: { mode: "terminate", ...served } }))
      const reports: Array<string | undefined> = []
      copyFileSync(next.certificate, served.certificate)
      plane.carriage.reloadCertificates((_, problem) => reports.push(problem))
      assert.isString(reports[0])
      copyFileSync(next.key, served.key)
      plane.carriage.reloadCertificates((_, problem) => reports.push(problem))
      assert.isUndefined(reports[1])
      const socket = yield* dial(port)
      yield* Effect.promise(() => secure(socket, "a.test", next.certificate))
    })
  )

  it.live("survives garbage, alerts and clients that leave in the middle", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const pair = makePair(path, "orders.test")
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { tls: { mode: "terminate", start: "postgres", ...pair } }))
      const alert = Buffer.from([21, 3, 3, 0, 2, 2, 40])
      for (const bytes of [
        alert,
        Buffer.from("GET / HTTP/1.1\r\n\r\n"),
        Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 0])
      ]) {
        const client = yield* dial(port)
        client.write(bytes)
        yield* Effect.promise(() => closed(client))
      }
      const leaving = yield* dial(port)
      leaving.write(Buffer.from([22, 3]))
      leaving.destroy()
      yield* eventually(() => plane.refused.length === 4)
      const socket = yield* dial(port)
      const client = yield* Effect.promise(() => secure(socket, "orders.test", pair.certificate))
      client.write("still")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "still")
      assert.deepStrictEqual(plane.failures, [])
    })
  )
})

describe("PROXY protocol", () => {
  it.live("takes the client from a trusted proxy's header and checks that address", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const plane = yield* makePlane()
      const port = yield* freePort
      const trusted = { proxyFrom: ["127.0.0.0/8"], allow: ["203.0.113.0/24"] }
      yield* plane.apply(route(port, target.port, trusted))
      const ends = { source: "203.0.113.7", sourcePort: 999, destination: "198.51.100.1", destinationPort: 5432 }
      for (const encode of [ProxyHeader.encodeV1, ProxyHeader.encodeV2]) {
        const client = yield* dial(port)
        client.write(Buffer.concat([encode(ends), Buffer.from("hello")]))
        assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "hello")
        assert.strictEqual(plane.carriage.connections().at(-1)?.client, "203.0.113.7:999")
      }
      const denied = yield* dial(port)
      denied.write(ProxyHeader.encodeV2({ ...ends, source: "192.0.2.1" }))
      yield* Effect.promise(() => closed(denied))
      const malformed = yield* dial(port)
      malformed.write("PROXY TCP4 nonsense\r\n")
      yield* Effect.promise(() => closed(malformed))
      assert.deepStrictEqual(plane.refused, ["denied", "bad_proxy_header"])
    })
  )

  it.live.each(["v1", "v2"] as const)("tells the target who the client is (%s)", (version) =>
    Effect.gen(function* () {
      let got: Promise<Uint8Array> = Promise.resolve(new Uint8Array())
      const target = yield* listen((socket) => {
        got = readSome(socket, version === "v1" ? 45 : 28 + 5)
      })
      const plane = yield* makePlane()
      const port = yield* freePort
      yield* plane.apply(route(port, target.port, { proxyProtocol: version }))
      const client = yield* dial(port)
      client.write("hello")
      yield* eventually(() => plane.carriage.connections()[0]?.target !== "")
      const bytes = yield* Effect.promise(() => got)
      const parsed = ProxyHeader.parse(bytes)
      assert.strictEqual(parsed.tag === "header" ? parsed.ends?.sourcePort : 0, client.localPort)
      assert.strictEqual(parsed.tag === "header" ? parsed.ends?.destinationPort : 0, port)
    })
  )
})
