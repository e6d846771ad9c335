import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { folder } from "./support/certificates.ts"
import { closed, dial, echo, eventually, freePort, listen, readSome } from "./support/net.ts"
import { fromSource, run, serve } from "./support/program.ts"

const says = (port: number, text: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* dial(port)
      client.write(text)
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, text.length))), text)
      client.destroy()
    })
  )

const json = (url: string) => Effect.promise(async () => JSON.parse(await (await fetch(url)).text()))

describe("berth-gateway", () => {
  it.live("checks a configuration and names everything that is wrong with it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, "gateway.json")
      writeFileSync(file, JSON.stringify({ workers: 0, colour: 1, routes: [] }))
      const shape = yield* run(["--check-config", "--config", file])
      assert.strictEqual(yield* Effect.promise(() => shape.ended), 1)
      assert.match(shape.output(), /workers: /)
      assert.match(shape.output(), /colour: /)
      const route = { id: "orders.redis", port: 0, target: "a:1" }
      writeFileSync(file, JSON.stringify({ routes: [route, { ...route, port: 1, allow: ["x"] }] }))
      const routes = yield* run(["--check-config", "--config", file])
      assert.strictEqual(yield* Effect.promise(() => routes.ended), 1)
      assert.match(routes.output(), /orders\.redis: port: /)
      assert.match(routes.output(), /orders\.redis: allow\.0: /)
      writeFileSync(file, JSON.stringify({ routes: [{ ...route, port: 30001 }] }))
      const right = yield* run(["--check-config", "--config", file])
      assert.strictEqual(yield* Effect.promise(() => right.ended), 0)
      assert.include(right.output(), "is right: 1 routes")
    })
  )

  it.live("takes a changed file over, and keeps what it serves when the change is wrong", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const target = yield* listen(echo)
      const [one, two] = [yield* freePort, yield* freePort]
      const route = (port: number) => ({ id: "orders.redis", port, target: `127.0.0.1:${target.port}` })
      const program = yield* serve(path, { routes: [route(one)] })
      yield* says(one, "one")
      writeFileSync(program.config, JSON.stringify({ listen: "127.0.0.1", routes: [route(0)] }))
      program.process.kill("SIGHUP")
      yield* eventually(() => program.output().includes("was not taken over"))
      yield* says(one, "still one")
      writeFileSync(program.config, JSON.stringify({ listen: "127.0.0.1", routes: [route(two)] }))
      yield* eventually(() => program.output().includes('"revision":2'))
      yield* says(two, "two")
    })
  )

  it.live("drains on the first SIGTERM and ends at once on the second", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const target = yield* listen(echo)
      const port = yield* freePort
      const routes = [{ id: "orders.redis", port, target: `127.0.0.1:${target.port}` }]
      const program = yield* serve(path, { routes, drain: "1 hour" })
      const client = yield* dial(port)
      client.write("a")
      yield* Effect.promise(() => readSome(client, 1))
      program.process.kill("SIGTERM")
      yield* eventually(() => Effect.runPromise(Effect.isFailure(Effect.scoped(dial(port)))))
      client.write("b")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 1))), "b")
      const gone = closed(client)
      program.process.kill("SIGTERM")
      assert.strictEqual(yield* Effect.promise(() => program.ended), 0)
      assert.isTrue(yield* Effect.promise(() => gone))
    })
  )

  it.live.each([1, 2])("hands its ports to a new process without refusing a connection (%s workers)", (workers) =>
    Effect.gen(function* () {
      const path = yield* folder
      const target = yield* listen(echo)
      const [port, admin] = [yield* freePort, yield* freePort]
      const program = yield* serve(path, {
        workers,
        admin: { address: `127.0.0.1:${admin}` },
        routes: [{ id: "orders.redis", port, target: `127.0.0.1:${target.port}` }]
      })
      const live = yield* dial(port)
      live.write("a")
      yield* Effect.promise(() => readSome(live, 1))
      let stop = false
      let served = 0
      const load = yield* Effect.gen(function* () {
        while (!stop) {
          yield* says(port, "hello")
          served += 1
        }
      }).pipe(Effect.forkChild)
      program.process.kill("SIGUSR2")
      yield* eventually(() => program.output().includes("a new process serves"))
      const atTakeover = served
      yield* eventually(() => served > atTakeover + 50)
      stop = true
      yield* Fiber.join(load)
      live.write("b")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(live, 1))), "b")
      assert.strictEqual((yield* json(`http://127.0.0.1:${admin}/v1/routes`)).routes.length, 1)
    })
  )

  it.live("counts and limits for the whole gateway, and replaces a worker that dies", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const target = yield* listen(echo)
      const [port, admin] = [yield* freePort, yield* freePort]
      const program = yield* serve(path, {
        workers: 2,
        admin: { address: `127.0.0.1:${admin}` },
        routes: [{ id: "orders.redis", port, target: `127.0.0.1:${target.port}`, maxConnections: 10 }]
      })
      const counters = () => Effect.map(json(`http://127.0.0.1:${admin}/v1/counters`), (all) => all.routes[0])
      const clients = yield* Effect.forEach(Array.from({ length: 30 }), () => Effect.option(dial(port)))
      yield* eventually(() =>
        Effect.runPromise(Effect.map(counters(), (all) => all.open + (all.refused.route_full ?? 0) === 30))
      )
      assert.strictEqual((yield* counters()).open, 10)
      const sessions = (): Promise<ReadonlyArray<{ readonly id: string }>> =>
        Effect.runPromise(json(`http://127.0.0.1:${admin}/v1/connections`))
      const before = yield* Effect.promise(sessions)
      const ofSecond = before.filter((each) => each.id.startsWith("2-")).map((each) => each.id)
      const parent = String(program.process.pid)
      const [first = ""] = execFileSync("pgrep", ["-P", parent], { encoding: "utf8" }).split("\n")
      process.kill(Number(first), "SIGKILL")
      yield* eventually(async () => {
        const left = (await sessions()).map((each) => each.id)
        return left.length === ofSecond.length && ofSecond.every((id) => left.includes(id))
      })
      const room = Array.from({ length: 10 - ofSecond.length })
      const fresh = yield* Effect.forEach(room, () => dial(port))
      for (const client of fresh) {
        client.write("x")
        yield* Effect.promise(() => readSome(client, 1))
      }
      for (const client of [...clients.flatMap((each) => (each._tag === "Some" ? [each.value] : [])), ...fresh]) {
        client.destroy()
      }
      yield* eventually(() => Effect.runPromise(Effect.map(counters(), (all) => all.open === 0)))
      yield* says(port, "again")
    })
  )

  it.live("brings a route to a local port over a WebSocket", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const target = yield* listen(echo)
      const [port, admin, local] = [yield* freePort, yield* freePort, yield* freePort]
      yield* serve(path, {
        admin: { address: `127.0.0.1:${admin}` },
        routes: [{ id: "orders.redis", port, target: `127.0.0.1:${target.port}` }]
      })
      const url = `ws://127.0.0.1:${admin}/v1/tunnel/orders.redis`
      const near = yield* run(["connect", url, "--listen", `127.0.0.1:${local}`])
      yield* eventually(() => near.output().includes("reaches"))
      yield* says(local, "through the tunnel")
    })
  )

  it.live("prints its version, its help and completions", () =>
    Effect.gen(function* () {
      for (const [flag, expected] of [
        ["--version", "berth-gateway v"],
        ["--help", "--check-config"],
        ["--completions=bash", "berth-gateway"]
      ]) {
        const program = yield* run([flag ?? ""], fromSource)
        assert.strictEqual(yield* Effect.promise(() => program.ended), 0)
        assert.include(program.output(), expected ?? "")
      }
    })
  )
})
