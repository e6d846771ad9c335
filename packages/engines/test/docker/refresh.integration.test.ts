import { createServer, connect as dial } from "node:net"
import { clickhouse, redis } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import * as Fixture from "./fixture.ts"

await Fixture.withDocker("users that are kept in files", ["clickhouse/clickhouse-server:18.16"], () => {
  it.live("change without a restart of the server", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const database = Fixture.database(runtime, clickhouse, { version: "18.16" })
      const { spec, admin, administration } = database
      const before = yield* Fixture.deploy(runtime, database)
      const since = yield* runtime.inspect(spec.id)
      const app = { ...database.app, password: Fixture.password() }
      const changed = { ...spec, plan: clickhouse.server({ version: spec.version, admin, app }) }
      yield* runtime.refresh?.(changed) ?? Effect.die("no refresh")
      yield* administration.reload?.({ ...before, ...admin }) ?? Effect.die("no reload")
      yield* administration
        .ping({ ...before, ...app })
        .pipe(Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 50 }))
      const refused = yield* Effect.flip(administration.ping(before))
      assert.strictEqual(refused.reason._tag, "LoginRefused")
      assert.deepStrictEqual(yield* runtime.inspect(spec.id), since)
      assert.notStrictEqual(Redacted.value(app.password), Redacted.value(database.app.password))
    })
  )
})

await Fixture.withDocker("an engine that is reached over TCP", ["redis:8"], () => {
  it.live("deploys as one that is reached by its socket", () =>
    Effect.gen(function* () {
      const port = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const server = createServer((client) => {
            const engine = dial(process.env.DOCKER_HOST?.replace("unix://", "") ?? "/var/run/docker.sock")
            for (const socket of [client, engine]) {
              socket.on("error", () => {
                client.destroy()
                engine.destroy()
              })
            }
            client.pipe(engine).pipe(client)
          })
          await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
          return server
        }),
        (server) => Effect.sync(() => void server.close())
      ).pipe(
        Effect.map((server) => {
          const at = server.address()
          return typeof at === "object" && at !== null ? at.port : 0
        })
      )
      const { runtime } = yield* Fixture.harbour({ url: `tcp://127.0.0.1:${port}` })
      const database = Fixture.database(runtime, redis)
      yield* database.administration.write(yield* Fixture.deploy(runtime, database))
      yield* runtime.remove(database.spec.id)
    })
  )

  it.live("is refused when its address is no address", () =>
    Effect.gen(function* () {
      for (const url of ["http://127.0.0.1:2375", "127.0.0.1", "tcp://"]) {
        const error = yield* Effect.flip(Fixture.harbour({ url }))
        assert.strictEqual(error.reason._tag, "HostFailed")
      }
    })
  )
})
