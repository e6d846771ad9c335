import { type Engine, postgres, redis, type Target } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schedule, Stream } from "effect"
import pg from "pg"
import * as Fixture from "./fixture.ts"

const containerOf = (id: string) => Fixture.engine.getContainer(`berth-${id}`)

const run = (at: Target, text: string) =>
  Effect.promise(async () => {
    const { host, port, username: user, database } = at
    const client = new pg.Client({ host, port, user, database, password: Redacted.value(at.password) })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows
  })

const howOf = (runtime: Fixture.Harbour["runtime"], id: string) =>
  runtime.inspect(id).pipe(
    Effect.flatMap((found) =>
      found?.state._tag === "Ended" ? Effect.succeed(found.state.ending.how) : Effect.fail("not ended" as const)
    ),
    Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 })
  )

/** A Postgres with a row in it. */
const withRow = Effect.gen(function* () {
  const harbour = yield* Fixture.harbour()
  const database = Fixture.database(harbour.runtime, postgres, { version: "17" })
  const at = yield* Fixture.deploy(harbour.runtime, database)
  yield* run(at, "CREATE TABLE kept AS SELECT 42 AS value")
  const hasRow = Effect.gen(function* () {
    yield* Fixture.ready(harbour.runtime, database)
    const rows = yield* run(
      yield* Fixture.target(harbour.runtime, database.spec, database.app),
      "SELECT value FROM kept"
    )
    assert.deepStrictEqual(rows, [{ value: 42 }])
  })
  return { ...harbour, database, spec: database.spec, hasRow }
})

await Fixture.withDocker("a server on Docker whose host is meddled with", ["postgres:17", "redis:8"], () => {
  it.live("is seen as killed, and has its data when it is started again", () =>
    Effect.gen(function* () {
      const { runtime, spec, hasRow } = yield* withRow
      yield* Effect.promise(() => containerOf(spec.id).kill())
      assert.strictEqual(yield* howOf(runtime, spec.id), "killed by SIGKILL")
      yield* runtime.start(spec)
      yield* hasRow
    })
  )

  it.live("is seen as removed, and has its data when it is started again", () =>
    Effect.gen(function* () {
      const { runtime, spec, hasRow } = yield* withRow
      yield* Effect.promise(() => containerOf(spec.id).remove({ force: true }))
      assert.include(yield* howOf(runtime, spec.id), "its container was removed")
      assert.deepStrictEqual(
        (yield* runtime.list).map(({ id }) => id),
        [spec.id]
      )
      yield* runtime.stop(spec)
      yield* runtime.start(spec)
      yield* hasRow
    })
  )

  it.live("is missing when its volume was removed too, and no empty one takes its place", () =>
    Effect.gen(function* () {
      const { runtime, spec } = yield* withRow
      yield* Effect.promise(async () => {
        await containerOf(spec.id).remove({ force: true })
        await Fixture.engine.getVolume(`berth-${spec.id}`).remove()
      })
      assert.strictEqual(yield* runtime.inspect(spec.id), undefined)
      assert.strictEqual((yield* Effect.flip(runtime.start(spec))).reason._tag, "ServerMissing")
      yield* runtime.remove(spec.id)
    })
  )

  it.live("does not begin anew when its data was removed from the volume", () =>
    Effect.gen(function* () {
      const { runtime, instance, spec } = yield* withRow
      yield* runtime.stop(spec)
      yield* Effect.promise(async () => {
        const eraser = await Fixture.engine.createContainer({
          Image: "redis:8",
          Entrypoint: ["rm", "-rf", "/volume/cluster"],
          Labels: { "berth.instance": instance },
          HostConfig: { Binds: [`berth-${spec.id}:/volume`] }
        })
        await eraser.start()
        await eraser.wait()
        await eraser.remove({ v: true })
      })
      yield* runtime.start(spec)
      assert.include(yield* howOf(runtime, spec.id), "its data is not on its volume any more")
    })
  )

  it.live("is started by Docker again when it ends by itself, and the restart is counted", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const database = Fixture.database(runtime, redis)
      yield* Fixture.deploy(runtime, database)
      yield* Effect.promise(async () => {
        const password = Redacted.value(database.admin.password)
        const Cmd = ["redis-cli", "--user", database.admin.username, "--pass", password, "SHUTDOWN"]
        const exec = await containerOf(database.spec.id).exec({ Cmd })
        await exec.start({ Detach: true })
      })
      const vitals = yield* runtime
        .vitals?.(database.spec.id)
        .pipe(
          Effect.repeat({ schedule: Schedule.spaced("100 millis"), times: 100, until: ({ restarts }) => restarts > 0 })
        ) ?? Effect.die("no vitals")
      assert.strictEqual(vitals.restarts, 1)
      yield* Fixture.ready(runtime, database)
    })
  )

  it.live("tells of kills for want of memory, of its memory, processor and disk use", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 1 }
      const database = Fixture.database(runtime, redis, { limits })
      yield* Fixture.deploy(runtime, database)
      const measure = runtime.vitals?.(database.spec.id) ?? Effect.die("no vitals")
      assert.strictEqual((yield* measure).outOfMemoryKills, 0)
      yield* Effect.promise(async () => {
        const exec = await containerOf(database.spec.id).exec({ Cmd: ["tail", "/dev/zero"] })
        await exec.start({ Detach: true })
      })
      const vitals = yield* measure.pipe(
        Effect.repeat({ schedule: Schedule.spaced("200 millis"), times: 100, until: (v) => v.outOfMemoryKills > 0 })
      )
      assert.isAbove(vitals.outOfMemoryKills, 0)
      assert.strictEqual(vitals.memory?.limitBytes, limits.memoryBytes)
      assert.isAbove(vitals.memory?.usedBytes ?? 0, 0)
      assert.isAbove(vitals.cpuSeconds ?? 0, 0)
      assert.isAbove(vitals.disk?.usedBytes ?? 0, 0)
      assert.isAbove(vitals.disk?.freeBytes ?? 0, 0)
    })
  )

  it.live("says that the disk of its data is full", () =>
    Effect.gen(function* () {
      const { runtime, instance } = yield* Fixture.harbour()
      const database = Fixture.database(runtime, postgres, { version: "17" })
      const { spec } = database
      yield* Effect.promise(() =>
        Fixture.engine.createVolume({
          Name: `berth-${spec.id}`,
          Labels: { "berth.instance": instance, "berth.role": "data", "berth.server": spec.id },
          DriverOpts: { type: "tmpfs", device: "tmpfs", o: "size=8m,mode=1777" }
        })
      )
      yield* runtime.prepare(spec, Fixture.quiet)
      yield* runtime.create(spec, Fixture.quiet)
      yield* runtime.start(spec)
      assert.include(yield* howOf(runtime, spec.id), "the disk of its data is full")
      yield* runtime.remove(spec.id)
      assert.deepStrictEqual(yield* Effect.promise(() => Fixture.remains(instance)), [])
    })
  )

  it.live("is not made where a container or a volume of somebody else bears its name", () =>
    Effect.gen(function* () {
      const { runtime, instance } = yield* Fixture.harbour()
      const other = yield* Fixture.harbour()
      const { spec } = Fixture.database(runtime, redis)
      yield* runtime.create(spec, Fixture.quiet)
      const error = yield* Effect.flip(other.runtime.create(spec, Fixture.quiet))
      assert.strictEqual(error.reason._tag, "NotOurs")
      yield* other.runtime.remove(spec.id)
      const labels = (yield* Effect.promise(() => containerOf(spec.id).inspect())).Config.Labels
      assert.strictEqual(labels["berth.instance"], instance)

      const foreign = Fixture.database(runtime, redis)
      const container = yield* Effect.acquireRelease(
        Effect.promise(() => Fixture.engine.createContainer({ name: `berth-${foreign.spec.id}`, Image: "redis:8" })),
        (made) => Effect.promise(() => made.remove({ force: true, v: true }))
      )
      const taken = yield* Effect.flip(runtime.create(foreign.spec, Fixture.quiet))
      assert.strictEqual(taken.reason._tag, "NotOurs")
      yield* runtime.remove(foreign.spec.id)
      assert.strictEqual((yield* Effect.promise(() => container.inspect())).Name, `/berth-${foreign.spec.id}`)
    })
  )

  it.live("is made although another program holds the engine's port on the machine", () =>
    Effect.gen(function* () {
      const { runtime, instance } = yield* Fixture.harbour({ reach: "published" })
      yield* Effect.promise(async () => {
        const holder = await Fixture.engine.createContainer({
          Image: "redis:8",
          Labels: { "berth.instance": instance },
          HostConfig: { PortBindings: { "6379/tcp": [{ HostIp: "127.0.0.1", HostPort: "6379" }] } }
        })
        await holder.start()
      })
      yield* Fixture.deploy(runtime, Fixture.database(runtime, redis))
    })
  )

  it.live("says which image is missing and cannot be fetched", () =>
    Effect.gen(function* () {
      const { runtime, instance } = yield* Fixture.harbour()
      const engine: Engine.Engine = { ...redis, versions: { "8": { image: "127.0.0.1:1/nobody/redis:8" } } }
      const { spec } = Fixture.database(runtime, engine, { version: "8" })
      const error = yield* Effect.flip(runtime.prepare(spec, Fixture.quiet))
      assert.strictEqual(error.reason._tag, "ImageMissing")
      assert.include(error.message, "127.0.0.1:1/nobody/redis:8")
      assert.deepStrictEqual(yield* Effect.promise(() => Fixture.remains(instance)), [])
    })
  )

  it.live("writes a log that can be followed through a restart", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const database = Fixture.database(runtime, redis)
      yield* Fixture.deploy(runtime, database)
      const ready = /Ready to accept connections/
      const following = yield* runtime.logs(database.spec.id, { follow: true }).pipe(
        Stream.filter(({ text }) => ready.test(text)),
        Stream.take(2),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* Effect.sleep("300 millis")
      yield* runtime.stop(database.spec)
      yield* runtime.start(database.spec)
      const lines = yield* Fiber.join(following).pipe(Effect.timeout("20 seconds"))
      assert.isTrue((lines[0]?.at.getTime() ?? 0) < (lines[1]?.at.getTime() ?? 0))
      const all = yield* Stream.runCollect(runtime.logs(database.spec.id, {}))
      const tail = yield* Stream.runCollect(runtime.logs(database.spec.id, { tail: 2 }))
      assert.deepStrictEqual(tail, all.slice(-2))
      const since = all.at(-1)?.at ?? new Date()
      const late = yield* Stream.runCollect(runtime.logs(database.spec.id, { since }))
      assert.isTrue(late.length > 0 && late.every(({ at }) => at >= since))
    })
  )
})

await Fixture.withDocker("an engine that does not answer", [], () => {
  it.live("is told apart from a database that is down", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour({ url: "unix:///nowhere/docker.sock" })
      const error = yield* Effect.flip(runtime.inspect("t0000000000"))
      assert.strictEqual(error.reason._tag, "HostUnreachable")
      assert.isTrue(error.isRetryable)
      assert.strictEqual((yield* Effect.flip(runtime.list)).reason._tag, "HostUnreachable")
    })
  )
})
