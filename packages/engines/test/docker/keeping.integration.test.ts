import { mariadb, postgres, type Runtime, redis } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Fixture from "./fixture.ts"

const parts = (runtime: Runtime) => {
  const { kept, leftovers, check } = runtime
  if (kept === undefined || leftovers === undefined || check === undefined) throw new Error("a part is missing")
  return { kept, leftovers, check }
}

const nobody = { servers: new Set<string>(), networks: new Set<string>(), engines: [] }

const kinds = (found: ReadonlyArray<{ readonly kind: string }>) => found.map(({ kind }) => kind).sort()

await Fixture.withDocker("data that is kept", ["postgres:17", "mariadb:11", "redis:8"], () => {
  for (const engine of [postgres, mariadb, redis]) {
    const version = engine.id === "postgres" ? "17" : engine.defaultVersion
    it.live(`of ${engine.label} is listed, taken over with a new administrator, kept again and purged`, () =>
      Effect.gen(function* () {
        const { runtime, instance } = yield* Fixture.harbour()
        const { kept } = parts(runtime)
        const old = Fixture.database(runtime, engine, { version })
        yield* Fixture.deploy(runtime, old)
        yield* runtime.remove(old.spec.id, { keepData: true })
        yield* runtime.remove(old.spec.id, { keepData: true })
        yield* runtime.remove(old.spec.id)
        assert.strictEqual(yield* runtime.inspect(old.spec.id), undefined)
        assert.deepStrictEqual(yield* runtime.list, [])
        const [listed] = yield* kept.list
        assert.deepStrictEqual(
          { ...listed, keptAt: undefined },
          { id: old.spec.id, name: "orders", engine: engine.id, version, keptAt: undefined, labels: old.spec.labels }
        )
        const found = yield* parts(runtime).leftovers.find(nobody)
        assert.deepStrictEqual(
          found.filter(({ kind }) => kind !== "template"),
          []
        )

        const made = Fixture.database(runtime, engine, { version })
        yield* kept.adopt(old.spec.id, made.spec)
        yield* kept.adopt(old.spec.id, made.spec)
        assert.deepStrictEqual(yield* kept.list, [])
        const at = yield* Fixture.deploy(runtime, made)
        yield* made.administration.write(at)
        assert.deepStrictEqual(
          (yield* runtime.list).map(({ id }) => id),
          [made.spec.id]
        )
        yield* runtime.remove(old.spec.id)
        yield* made.administration.write(at)
        // The app's user of before is in the data: it can still log in, and its administrator cannot.
        yield* made.administration.ping({ ...at, ...old.app, password: made.app.password })
        const refused = yield* Effect.flip(made.administration.ping({ ...at, ...old.admin }))
        assert.strictEqual(refused.reason._tag, "LoginRefused")

        yield* runtime.remove(made.spec.id, { keepData: true })
        assert.deepStrictEqual(
          (yield* kept.list).map(({ id }) => id),
          [made.spec.id]
        )
        yield* kept.purge(made.spec.id)
        yield* kept.purge(made.spec.id)
        assert.deepStrictEqual(yield* Effect.promise(() => Fixture.remains(instance)), [])
      })
    )
  }

  it.live("is not given to a database of another engine or version", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const { kept } = parts(runtime)
      const old = Fixture.database(runtime, redis)
      yield* Fixture.deploy(runtime, old)
      yield* runtime.remove(old.spec.id, { keepData: true })
      for (const other of [Fixture.database(runtime, postgres), Fixture.database(runtime, redis, { version: "7" })]) {
        const error = yield* Effect.flip(kept.adopt(old.spec.id, other.spec))
        assert.strictEqual(error.reason._tag, "KeptDataUnfit")
      }
      const absent = yield* Effect.flip(kept.adopt("t00000", old.spec))
      assert.strictEqual(absent.reason._tag, "KeptDataUnfit")
    })
  )
})

await Fixture.withDocker("what belongs to nobody", ["postgres:17", "redis:8"], () => {
  it.live("is shown, and then removed, and nothing else is", () =>
    Effect.gen(function* () {
      const { runtime, instance } = yield* Fixture.harbour()
      const { leftovers } = parts(runtime)
      const known = Fixture.database(runtime, redis)
      const orphan = Fixture.database(runtime, redis)
      const lost = Fixture.database(runtime, redis)
      for (const each of [known, orphan, lost]) yield* Fixture.deploy(runtime, each)
      yield* Effect.promise(() => Fixture.engine.getContainer(`berth-${lost.spec.id}`).remove({ force: true }))
      const belongings = {
        servers: new Set([known.spec.id]),
        networks: new Set([known.spec.network]),
        engines: [redis, postgres]
      }
      const found = (yield* leftovers.find(belongings)).filter(({ kind }) => kind !== "template")
      assert.deepStrictEqual(kinds(found), ["container", "network", "network", "volume"])
      assert.isTrue(
        found.every(
          ({ why }) => why.includes(orphan.spec.id) || why.includes(lost.spec.id) || why.includes("environment")
        )
      )
      yield* leftovers.remove(found)
      yield* leftovers.remove(found)
      const left = (yield* leftovers.find(belongings)).filter(({ kind }) => kind !== "template")
      assert.deepStrictEqual(left, [])
      yield* known.administration.write(yield* Fixture.target(runtime, known.spec, known.app))
      yield* runtime.remove(known.spec.id)
      assert.deepStrictEqual(yield* Effect.promise(() => Fixture.remains(instance)), [])
    })
  )

  it.live("is never of another Berth on the same engine", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const other = yield* Fixture.harbour()
      const database = Fixture.database(runtime, redis)
      yield* Fixture.deploy(runtime, database)
      const found = yield* parts(other.runtime).leftovers.find(nobody)
      assert.deepStrictEqual(
        found.filter(({ kind }) => kind !== "template"),
        []
      )
      assert.deepStrictEqual(yield* other.runtime.list, [])
    })
  )
})

await Fixture.withDocker("a prepared volume", ["postgres:17"], () => {
  /** An engine of its own, so that its template is nobody else's. */
  const own = (recipe: string, before = "") => ({
    ...postgres,
    id: `pg${Fixture.randomText(8)}`,
    server: (input: Parameters<typeof postgres.server>[0]) => {
      const plan = postgres.server(input)
      if (plan.container?.template === undefined) throw new Error("no template")
      const template = { recipe, initialise: `${before}\n${plan.container.template.initialise}` }
      return { ...plan, container: { ...plan.container, template } }
    }
  })

  const templatesOf = (engine: string) =>
    Effect.promise(async () => {
      const filters = { label: [`berth.engine=${engine}`, "berth.role=template"] }
      const all = await Fixture.engine.listContainers({ all: true, filters })
      return all.flatMap(({ Names }) => Names)
    })

  it.live("is made once for databases that are deployed together", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const engine = own("1")
      const all = Array.from({ length: 4 }, () => Fixture.database(runtime, engine, { version: "17" }))
      yield* Effect.forEach(all, (database) => Fixture.deploy(runtime, database), { concurrency: "unbounded" })
      assert.strictEqual((yield* templatesOf(engine.id)).length, 1)
    })
  )

  it.live("bears no credentials, and every copy has its own identity", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const [one, other] = [1, 2].map(() => Fixture.database(runtime, postgres, { version: "17" }))
      if (one === undefined || other === undefined) return assert.fail()
      yield* Fixture.deploy(runtime, one)
      const at = yield* Fixture.deploy(runtime, other)
      const refused = yield* Effect.flip(other.administration.ping({ ...at, ...one.admin }))
      assert.strictEqual(refused.reason._tag, "LoginRefused")
    })
  )

  it.live("is made again when its making was cut short, and the half is never used", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const engine = own("1", "sleep 2")
      const database = Fixture.database(runtime, engine, { version: "17" })
      const preparing = yield* runtime.prepare(database.spec, Fixture.quiet).pipe(Effect.forkChild)
      yield* Effect.sleep("1 second")
      const [half] = yield* templatesOf(engine.id)
      assert.match(String(half), /-half$/)
      yield* Effect.promise(() => Fixture.engine.getContainer(String(half).slice(1)).kill())
      const error = yield* Effect.flip(Fiber.join(preparing))
      assert.strictEqual(error.reason._tag, "CommandFailed")
      assert.deepStrictEqual(yield* templatesOf(engine.id), [])
      yield* Fixture.deploy(runtime, database)
      assert.strictEqual((yield* templatesOf(engine.id)).length, 1)
    })
  )

  it.live("is taken up where a process that ended in the middle left it", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const engine = own("1", "sleep 2")
      const database = Fixture.database(runtime, engine, { version: "17" })
      yield* runtime.prepare(database.spec, Fixture.quiet).pipe(Effect.timeoutOption("1 second"))
      assert.match(String((yield* templatesOf(engine.id))[0]), /-half$/)
      yield* Fixture.deploy(runtime, database)
      assert.strictEqual((yield* templatesOf(engine.id)).length, 1)
    })
  )

  it.live("of an older recipe is not used, and is left over", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const { leftovers } = parts(runtime)
      const older = own("1")
      const newer = { ...own("2"), id: older.id }
      yield* runtime.prepare(Fixture.database(runtime, older, { version: "17" }).spec, Fixture.quiet)
      yield* runtime.prepare(Fixture.database(runtime, newer, { version: "17" }).spec, Fixture.quiet)
      const find = leftovers.find({ ...nobody, engines: [newer, postgres, mariadb] })
      const found = (yield* find).filter(({ name }) => name.includes(older.id))
      assert.deepStrictEqual(
        found.map(({ kind, name }) => `${kind} ${name.slice(-2)}`),
        ["template -1"]
      )
      yield* leftovers.remove(found)
      assert.deepStrictEqual(
        (yield* find).filter(({ name }) => name.includes(older.id)),
        []
      )
    })
  )
})

await Fixture.withDocker("the check of a host", ["redis:8"], () => {
  it.live("tells processors, memory and disk with a reason for each", () =>
    Effect.gen(function* () {
      const { runtime } = yield* Fixture.harbour()
      const { check } = parts(runtime)
      const modest = yield* check({ cpus: 0, memoryBytes: 1, diskBytes: 1 })
      assert.deepStrictEqual(
        modest.resources.map(({ what }) => what),
        ["cpu", "memory", "disk"]
      )
      assert.isTrue(modest.enough)
      assert.deepStrictEqual(modest.unknown, [])
      const database = Fixture.database(runtime, redis)
      yield* Fixture.deploy(runtime, database)
      const greedy = yield* check({ cpus: 10_000, memoryBytes: 1, diskBytes: 2 ** 60 })
      assert.isFalse(greedy.enough)
      assert.deepStrictEqual(
        greedy.resources.map(({ enough }) => enough),
        [false, true, false]
      )
      assert.include(greedy.resources[2]?.reason, "GiB are free")
    })
  )
})
