import { rm } from "node:fs/promises"
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { postgres } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fixture from "./fixture.ts"

const awayMillis = 700
const socketPath = (process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock").replace(/^unix:\/\//, "")

/** A way to the engine that can be cut off and comes back, as an engine that is restarted does. */
const cuttable = Effect.acquireRelease(
  Effect.promise(async () => {
    const path = join(tmpdir(), `berth-${Fixture.randomText(8)}.sock`)
    const open = new Set<Socket>()
    const state: { server: Server | undefined; requests: number; cutAt: number; cuts: number; slow: boolean } = {
      ...{ server: undefined, requests: 0, cutAt: 0, cuts: 0, slow: false }
    }
    const listen = () =>
      new Promise<void>((resolve) => {
        state.server = createServer((client) => {
          if (state.slow) return void open.add(client)
          const engine = connect(socketPath)
          for (const socket of [client, engine]) {
            open.add(socket)
            socket.on("error", () => {})
            socket.on("close", () => {
              open.delete(socket)
              client.destroy()
              engine.destroy()
            })
          }
          client.on("data", () => {
            if (++state.requests === state.cutAt) cut()
          })
          client.pipe(engine)
          engine.pipe(client)
        }).listen(path, resolve)
      })
    const cut = () => {
      state.cuts++
      state.server?.close()
      for (const socket of open) socket.destroy()
      setTimeout(() => void listen(), awayMillis)
    }
    await listen()
    const end = async () => {
      state.server?.close()
      for (const socket of open) socket.destroy()
      await rm(path, { force: true })
    }
    return { url: `unix://${path}`, state, end }
  }),
  ({ end }) => Effect.promise(end)
)

await Fixture.withDocker("an engine that goes away", ["postgres:17"], () => {
  it.live(
    "at any moment of a deploy, a stop or a removal, and comes back, makes them late and not fail",
    () =>
      Effect.gen(function* () {
        const way = yield* cuttable
        const { runtime, instance } = yield* Fixture.harbour({ url: way.url })
        const whole = Fixture.database(runtime, postgres, { version: "17" })
        yield* Fixture.deploy(runtime, whole)
        yield* runtime.stop(whole.spec)
        yield* runtime.remove(whole.spec.id)
        const requests = way.state.requests
        assert.isAbove(requests, 10)
        // Every third request is enough to have been at each step, and keeps the test short.
        for (let cutAt = 1; cutAt <= requests; cutAt += 3) {
          Object.assign(way.state, { requests: 0, cutAt })
          const database = Fixture.database(runtime, postgres, { version: "17" })
          const at = yield* Fixture.deploy(runtime, database)
          yield* database.administration.write(at)
          yield* runtime.stop(database.spec)
          yield* runtime.remove(database.spec.id)
        }
        assert.isAbove(way.state.cuts, 5)
        assert.deepStrictEqual(yield* Effect.promise(() => Fixture.remains(instance)), [])
      }),
    180_000
  )

  it.live("is told apart from a database that is down, at once", () =>
    Effect.gen(function* () {
      const way = yield* cuttable
      const { runtime } = yield* Fixture.harbour({ url: way.url })
      const database = Fixture.database(runtime, postgres, { version: "17" })
      yield* Fixture.deploy(runtime, database)
      Object.assign(way.state, { requests: 0, cutAt: 1 })
      const error = yield* Effect.flip(runtime.inspect(database.spec.id))
      assert.strictEqual(error.reason._tag, "HostUnreachable")
      yield* Effect.sleep(awayMillis * 1.5)
      assert.strictEqual((yield* runtime.inspect(database.spec.id))?.state._tag, "Running")
    })
  )
})
