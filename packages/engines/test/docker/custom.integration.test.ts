import { connect } from "node:net"
import { type Administration, Engine, EngineError, LoginRefused, Unreachable } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { pack } from "../../src/docker/tar.ts"
import * as Fixture from "./fixture.ts"

/** A platform builder's own image: here a Redis with one line of its own, whose password is asked for at its door. */
const image = `berth-test/shelf:${Fixture.randomText(8)}`

const build = Effect.acquireRelease(
  Effect.promise(async () => {
    const text = 'FROM redis:8\nENTRYPOINT ["/bin/sh", "-c", "exec redis-server /shelf/shelf.conf"]\n'
    const file = { path: "Dockerfile", text, mode: 0o644, uid: 0, gid: 0 }
    const { Readable } = await import("node:stream")
    const stream = await Fixture.engine.buildImage(Readable.from([pack([], [file], 0)]), { t: image })
    await new Promise<void>((resolve, reject) =>
      Fixture.engine.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)))
    )
  }),
  () => Effect.promise(() => Fixture.engine.getImage(image).remove({ force: true }))
)

/** Speaks to the server with no driver at all: lines out, the answer in. */
const ask = (host: string, port: number, lines: ReadonlyArray<string>) =>
  Effect.callback<string, EngineError>((resume) => {
    const unreachable = (detail: string) => new EngineError({ reason: new Unreachable({ host, port, detail }) })
    const socket = connect({ host, port, timeout: 3_000 })
    let answer = ""
    socket.on("data", (chunk) => {
      answer += String(chunk)
      if (answer.split("\r\n").length > lines.length) socket.destroy()
    })
    socket.on("error", ({ message }) => resume(Effect.fail(unreachable(message))))
    socket.on("timeout", () => socket.destroy(new Error("no answer in time")))
    socket.on("close", () => resume(Effect.succeed(answer)))
    socket.on("connect", () => socket.write(`${lines.join("\r\n")}\r\n`))
    return Effect.sync(() => void socket.destroy())
  })

const administration: Administration = {
  ping: ({ host, port, username, password }) =>
    ask(host, port, [`AUTH ${username} ${Redacted.value(password) || '""'}`, "PING"]).pipe(
      Effect.filterOrFail(
        (answer) => answer.includes("+PONG"),
        (detail) => new EngineError({ reason: new LoginRefused({ username, detail }) })
      ),
      Effect.asVoid
    ),
  facts: () => Effect.succeed({ version: "1.0", dataFolder: "/shelf/data" }),
  createApp: ({ host, port, username, password }, app) =>
    ask(host, port, [
      `AUTH ${username} ${Redacted.value(password)}`,
      `ACL SETUSER ${app.username} on >${Redacted.value(app.password)} ~* +@all -@admin`
    ]).pipe(Effect.asVoid),
  write: ({ host, port, username, password }) =>
    ask(host, port, [`AUTH ${username} ${Redacted.value(password)}`, "SET proof 42"]).pipe(Effect.asVoid)
}

const shelf: Engine.Engine = {
  id: "shelf",
  label: "Shelf",
  prefix: "SHELF",
  versions: { "1": { image } },
  defaultVersion: "1",
  endpoints: [{ name: "shelf", port: 7000, scheme: "shelf" }],
  administrator: { username: "keeper", database: "0" },
  startTimeout: "20 seconds",
  naming: (name) => ({ username: `reader-${name}`, database: "0" }),
  server: ({ admin }) => ({
    container: {
      user: "redis",
      env: {},
      args: [],
      files: {
        "/shelf/shelf.conf": Redacted.make(
          `port 7000\nprotected-mode no\ndir /shelf/data\nuser default off\nuser ${admin.username} on >${Redacted.value(admin.password)} ~* +@all\n`
        )
      },
      volume: "/shelf/data",
      data: "/shelf/data",
      bootstrap: "true",
      stop: { signal: "SIGTERM", grace: "10 seconds" },
      memoryBytes: 16 * 1024 ** 2
    }
  }),
  administration,
  url: ({ host, port }) => `shelf://${host}:${port}`
}

await Fixture.withDocker("an engine of a platform builder's own, from an own image", ["redis:8"], () => {
  it.live("is deployed, used, stopped and removed as any other", () =>
    Effect.gen(function* () {
      yield* build
      const engine = yield* Engine.define(shelf)
      const { runtime, instance } = yield* Fixture.harbour()
      const database = Fixture.database(runtime, engine)
      const at = yield* Fixture.deploy(runtime, database)
      yield* engine.administration.ping(at)
      yield* engine.administration.write(at)
      const refused = yield* Effect.flip(engine.administration.ping({ ...at, password: Redacted.make("wrong") }))
      assert.strictEqual(refused.reason._tag, "LoginRefused")
      assert.strictEqual(yield* runtime.dataFolder(database.spec.id), "/shelf/data")
      yield* runtime.stop(database.spec)
      assert.strictEqual((yield* runtime.inspect(database.spec.id))?.state._tag, "Stopped")
      yield* runtime.remove(database.spec.id)
      assert.deepStrictEqual(yield* Effect.promise(() => Fixture.remains(instance)), [])
    })
  )
})
