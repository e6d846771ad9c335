import { postgres, redis } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Fixture from "./fixture.ts"

/** Runs words in a new container of an environment's network, as an app of that environment would. */
const inNetwork = (network: string, instance: string, words: string) =>
  Effect.promise(async () => {
    const container = await Fixture.engine.createContainer({
      Image: "redis:8",
      Entrypoint: ["/bin/sh", "-c", words],
      Labels: { "berth.instance": instance },
      HostConfig: { NetworkMode: `berth-net-${network}` }
    })
    await container.start()
    const { StatusCode } = await container.wait()
    const output = (await container.logs({ stdout: true, stderr: true })).toString("utf8")
    await container.remove({ force: true, v: true })
    return { code: Number(StatusCode), output }
  })

await Fixture.withDocker("the network of an environment", ["redis:8", "postgres:17"], () => {
  it.live("lets apps of the environment reach a database by its name, and others not", () =>
    Effect.gen(function* () {
      const { runtime, instance } = yield* Fixture.harbour()
      const orders = Fixture.database(runtime, redis, { name: "orders" })
      yield* Fixture.deploy(runtime, orders)
      const stranger = Fixture.database(runtime, redis, { name: "other" })
      yield* Fixture.deploy(runtime, stranger)

      const inside = yield* runtime.internalAddress(orders.spec, "redis")
      assert.deepStrictEqual(inside, { host: "orders", port: 6379 })
      const login = `REDISCLI_AUTH=${Redacted.value(orders.app.password)} redis-cli -h orders --user ${orders.app.username} PING`
      const friend = yield* inNetwork(orders.spec.network, instance, login)
      assert.include(friend.output, "PONG")

      const byName = yield* inNetwork(stranger.spec.network, instance, "timeout 3 redis-cli -h orders PING")
      assert.notStrictEqual(byName.code, 0)
      const { host } = yield* Fixture.address(runtime, orders.spec)
      const byAddress = yield* inNetwork(stranger.spec.network, instance, `timeout 3 redis-cli -h ${host} PING`)
      assert.notStrictEqual(byAddress.code, 0)
    })
  )

  it.live("publishes nothing where the container itself can be reached", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const database = Fixture.database(runtime, redis)
      yield* Fixture.deploy(runtime, database)
      const info = yield* Effect.promise(() => Fixture.engine.getContainer(`berth-${database.spec.id}`).inspect())
      assert.deepStrictEqual(info.HostConfig.PortBindings ?? {}, {})
    })
  )

  it.live("publishes on loopback only where it cannot", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour({ reach: "published" })
      const database = Fixture.database(runtime, postgres, { version: "17" })
      const at = yield* Fixture.deploy(runtime, database)
      assert.strictEqual(at.host, "127.0.0.1")
      yield* database.administration.write(at)
      const info = yield* Effect.promise(() => Fixture.engine.getContainer(`berth-${database.spec.id}`).inspect())
      const bindings = Object.values(info.NetworkSettings.Ports).flatMap((all) => all ?? [])
      assert.deepStrictEqual(
        bindings.map(({ HostIp }) => HostIp),
        ["127.0.0.1"]
      )
    })
  )

  it.live("refuses to publish on every address", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Fixture.harbour({ publishOn: "0.0.0.0" }))
      assert.strictEqual(error.reason._tag, "HostFailed")
    })
  )

  it.live("is made from a range of its own when the engine has none left to give", () =>
    Effect.gen(function* () {
      const { runtime, instance } = yield* Fixture.harbour()
      // The engine's own pools hold about thirty networks.
      const names = yield* Effect.promise(() => exhaust(instance))
      const database = Fixture.database(runtime, redis)
      const at = yield* Fixture.deploy(runtime, database)
      assert.match(at.host, /^10\.209\./)
      assert.isAbove(names.length, 0)
    })
  )

  it.live("is made anew when somebody removed it while the server was stopped", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const database = Fixture.database(runtime, redis)
      yield* Fixture.deploy(runtime, database)
      yield* runtime.stop(database.spec)
      yield* Effect.promise(() => Fixture.engine.getNetwork(`berth-net-${database.spec.network}`).remove())
      yield* runtime.start(database.spec)
      yield* Fixture.ready(runtime, database)
      yield* database.administration.write(yield* Fixture.target(runtime, database.spec, database.app))
    })
  )
})

/** Networks until the engine refuses; at most 40, which are removed with everything else of the test. */
const exhaust = async (instance: string): Promise<ReadonlyArray<string>> => {
  const names: Array<string> = []
  for (let count = 0; count < 40; count++) {
    const Name = `${instance}-${count}`
    const made = await Fixture.engine
      .createNetwork({ Name, Labels: { "berth.instance": instance } })
      .then(() => true)
      .catch(() => false)
    if (!made) return names
    names.push(Name)
  }
  throw new Error("the engine did not run out of ranges")
}
