import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { WebSocket } from "ws"
import * as Admin from "../src/admin/Admin.ts"
import { AdminClient } from "../src/client/client.ts"
import { Gateway } from "../src/index.ts"
import { TunnelStream } from "../src/tunnel/TunnelStream.ts"
import { folder } from "./support/certificates.ts"
import { closed, dial, echo, eventually, freePort, listen, readAll, readSome } from "./support/net.ts"

const token = "correct-horse-battery-staple"

const gatewayIn = (path: string) => Gateway.layer({ listen: "127.0.0.1", state: join(path, "state.json") })

const serve = (secret: string | undefined) =>
  Effect.map(
    Admin.serve({
      address: { kind: "tcp", host: "127.0.0.1", port: 0 },
      token: secret === undefined ? undefined : Redacted.make(secret),
      ready: Effect.succeed(true)
    }),
    ({ port }) => `http://127.0.0.1:${port}`
  )

const get = (url: string, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const answer = await fetch(url, { headers })
    return { status: answer.status, text: await answer.text() }
  })

describe("Gateway", () => {
  it.live("serves the last good table after a restart, with its revision", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const target = yield* listen(echo)
      const port = yield* freePort
      const route = { id: "orders.redis", port, target: `127.0.0.1:${target.port}` }
      yield* Effect.gen(function* () {
        const gateway = yield* Gateway
        yield* gateway.apply([route])
        yield* Effect.flip(gateway.apply([{ ...route, port: 0 }]))
      }).pipe(Effect.provide(gatewayIn(path)))
      yield* Effect.flip(dial(port))
      yield* Effect.gen(function* () {
        const gateway = yield* Gateway
        assert.strictEqual((yield* gateway.table).revision, 1)
        const client = yield* dial(port)
        client.write("x")
        yield* Effect.promise(() => readSome(client, 1))
      }).pipe(Effect.provide(gatewayIn(path)))
    })
  )

  it.live("sets a kept table that is damaged aside and starts without it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      writeFileSync(join(path, "state.json"), '{"version":1,"revision":7,"rou')
      const gateway = yield* Gateway.pipe(Effect.provide(yield* Layer.build(gatewayIn(path))))
      assert.strictEqual((yield* gateway.table).revision, 0)
      assert.include(readFileSync(join(path, "state.json.broken"), "utf8"), '"revision":7')
    })
  )

  it.live("refuses a write that somebody overtook, and one whose table cannot be kept", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const port = yield* freePort
      const route = { id: "orders.redis", port, target: "127.0.0.1:1" }
      const gateway = yield* Gateway.make({ listen: "127.0.0.1", state: join(path, "state.json") })
      yield* gateway.apply([route], { revision: 0 })
      const stale = yield* Effect.flip(gateway.apply([], { revision: 0 }))
      assert.strictEqual(stale._tag, "StaleRevision")
      assert.strictEqual((yield* gateway.table).routes.length, 1)
      const nowhere = yield* Gateway.make({ listen: "127.0.0.1", state: join(path, "missing", "state.json") })
      const unkept = yield* Effect.flip(nowhere.apply([{ ...route, port: yield* freePort }]))
      assert.strictEqual(unkept._tag, "StateNotWritten")
      assert.strictEqual((yield* nowhere.table).revision, 0)
    })
  )

  it.live("closes the port of a removed route at once and lets its sessions end by themselves", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const gateway = yield* Gateway.make({ listen: "127.0.0.1" })
      const port = yield* freePort
      yield* gateway.apply([{ id: "orders.redis", port, target: `127.0.0.1:${target.port}` }])
      const client = yield* dial(port)
      client.write("a")
      yield* Effect.promise(() => readSome(client, 1))
      const removing = yield* Effect.forkChild(gateway.remove("orders.redis", { grace: 9000 }))
      yield* eventually(() => Effect.runPromise(Effect.map(gateway.table, (table) => table.routes.length === 0)))
      yield* Effect.flip(dial(port))
      client.write("b")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 1))), "b")
      client.end()
      yield* Fiber.join(removing)
      assert.deepStrictEqual(yield* gateway.connections, [])
    })
  )

  it.live("replaces ten thousand routes in less than half a second, and no live session notices", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const gateway = yield* Gateway.make({ listen: "127.0.0.1" })
      const port = yield* freePort
      const live = { id: "orders.redis", port, target: `127.0.0.1:${target.port}` }
      const many = Array.from({ length: 10_000 }, (_, index) => ({
        id: `db${index}.postgres`,
        port: 12_000 + index,
        target: "10.0.0.1:5432",
        allow: ["10.0.0.0/8"]
      })).filter((each) => each.port !== port && each.port !== target.port)
      yield* gateway.apply([live])
      const client = yield* dial(port)
      const taken = yield* gateway.apply([live, ...many]).pipe(Effect.result)
      // Ports of the range that others happen to hold are left out; what is measured is the replacement.
      const free =
        taken._tag === "Success"
          ? many
          : many.filter(
              (each) =>
                taken.failure._tag !== "TableRefused" || !taken.failure.issues.some((issue) => issue.route === each.id)
            )
      yield* gateway.apply([live, ...free])
      assert.isAbove(free.length, 9000)
      const changed = free.map((route, index) => (index % 2 === 0 ? route : { ...route, target: "10.0.0.2:5432" }))
      const started = performance.now()
      yield* gateway.apply([live, ...changed])
      yield* Effect.logInfo(`ten thousand routes replaced in ${Math.round(performance.now() - started)} ms`)
      client.write("still")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "still")
      yield* gateway.apply([])
    })
  )
})

describe("Admin", () => {
  it.live("drives a gateway with the typed client", () =>
    Effect.gen(function* () {
      const target = yield* listen(echo)
      const port = yield* freePort
      const url = yield* serve(token)
      const layer = AdminClient.layer({ url, token: Redacted.make(token) })
      yield* Effect.gen(function* () {
        const admin = yield* AdminClient
        const route = { port, target: `127.0.0.1:${target.port}` }
        const put = yield* admin.routes.put({ params: { id: "orders.redis" }, query: {}, payload: route })
        assert.strictEqual(put.revision, 1)
        const client = yield* dial(port)
        client.write("x")
        yield* Effect.promise(() => readSome(client, 1))
        const [connection] = yield* admin.connections.list({ query: {} })
        assert.strictEqual(connection?.bytesUp, 1)
        const gone = closed(client)
        yield* admin.connections.cut({ params: { id: connection?.id ?? "" } })
        assert.isTrue(yield* Effect.promise(() => gone))
        const missing = yield* Effect.flip(admin.connections.cut({ params: { id: "0-999" } }))
        assert.strictEqual(missing._tag, "ConnectionNotFound")
        const stale = yield* Effect.flip(admin.routes.replace({ query: {}, payload: { revision: 0, routes: [] } }))
        assert.strictEqual(stale._tag, "StaleRevision")
        const bad = yield* Effect.flip(admin.routes.put({ params: { id: "a.b" }, query: {}, payload: { port: 1 } }))
        assert.strictEqual(bad._tag === "TableRefused" ? bad.issues[0]?.field : bad._tag, "target")
        yield* admin.routes.remove({ params: { id: "orders.redis" }, query: { drain: "1s" } })
        assert.deepStrictEqual((yield* admin.routes.list()).routes, [])
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )

  it.live("answers nobody without the token, except whether it is alive", () =>
    Effect.gen(function* () {
      const url = yield* serve(token)
      for (const path of ["/v1/routes", "/v1/connections", "/v1/counters", "/metrics"]) {
        assert.strictEqual((yield* get(url + path)).status, 401)
        assert.strictEqual((yield* get(url + path, { authorization: "Bearer wrong" })).status, 401)
        assert.strictEqual((yield* get(url + path, { authorization: `Bearer ${token}` })).status, 200)
      }
      assert.strictEqual((yield* get(`${url}/healthz`)).text, "ok\n")
      assert.strictEqual((yield* get(`${url}/readyz`)).status, 200)
      assert.include((yield* get(`${url}/openapi.json`)).text, '"/v1/routes/{id}"')
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )

  it.live("does not listen for everybody without a token, and says why", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(
        Admin.serve({
          address: { kind: "tcp", host: "0.0.0.0", port: 0 },
          token: undefined,
          ready: Effect.succeed(true)
        })
      )
      assert.include(refused.message, "admin.tokenFile")
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )

  it.live("takes no orders from a web page that calls this machine by another name", () =>
    Effect.gen(function* () {
      const url = yield* serve(undefined)
      const status = yield* Effect.promise(
        () =>
          new Promise<number>((resolve) => {
            request(`${url}/v1/routes`, { headers: { host: "evil.example" } }, (answer) => {
              answer.resume()
              resolve(answer.statusCode ?? 0)
            }).end()
          })
      )
      assert.strictEqual(status, 401)
      assert.strictEqual((yield* get(`${url}/v1/routes`)).status, 200)
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )

  it.live("survives garbage and over-long headers on its port", () =>
    Effect.gen(function* () {
      const url = yield* serve(token)
      const port = Number(new URL(url).port)
      for (const bytes of [
        Buffer.alloc(2000, 0xff),
        Buffer.from(`GET / HTTP/1.1\r\nx: ${"y".repeat(100_000)}\r\n\r\n`)
      ]) {
        const client = yield* dial(port)
        client.write(bytes)
        yield* Effect.promise(() => closed(client))
      }
      assert.strictEqual((yield* get(`${url}/healthz`)).status, 200)
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )

  it.live("carries a route over a WebSocket, with half-close, for the right token only", () =>
    Effect.gen(function* () {
      const target = yield* listen((socket) => void readAll(socket).then((text) => socket.end(`got ${text.length}`)))
      const gateway = yield* Gateway
      yield* gateway.apply([
        {
          id: "orders.redis",
          port: yield* freePort,
          target: `127.0.0.1:${target.port}`,
          tunnel: { tokens: [createHash("sha256").update("route-token").digest("hex")] }
        }
      ])
      const url = (yield* serve(token)).replace("http", "ws")
      const open = (path: string, bearer: string) =>
        Effect.promise(
          () =>
            new Promise<WebSocket | undefined>((resolve) => {
              const socket = new WebSocket(url + path, ["berth"], { headers: { authorization: `Bearer ${bearer}` } })
              socket.once("open", () => resolve(socket))
              socket.once("error", () => resolve(undefined))
            })
        )
      assert.isUndefined(yield* open("/v1/tunnel/orders.redis", "wrong"))
      assert.isUndefined(yield* open("/v1/tunnel/users.redis", token))
      for (const right of [token, "route-token"]) {
        const socket = yield* open("/v1/tunnel/orders.redis", right)
        if (socket === undefined) return assert.fail()
        const stream = new TunnelStream(socket)
        const answer = readAll(stream)
        stream.end(Buffer.alloc(300_000, 65))
        assert.strictEqual(yield* Effect.promise(() => answer), "got 300000")
      }
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )
})
