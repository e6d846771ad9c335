/** What every engine must do on Docker, from its first deploy to its removal, with its usual client as the app. */
import type { Login, Target } from "@berth/engines"
import { Engine } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Fixture from "./fixture.ts"

/** A real client of the engine, as an app would use it. */
export interface AppClient {
  /** Keeps a value in the database. */
  readonly write: (at: Target, value: string) => Promise<void>
  /** Reads what was written last. */
  readonly read: (at: Target) => Promise<string>
  /** Tries what only an administrator may do, and must be refused. */
  readonly overreach: (at: Target) => Promise<unknown>
  /** Reads the value through a URL of the engine, as apps are given it. */
  readonly readByUrl?: (url: string) => Promise<string>
}

const minutes = 60_000

const refusal = (database: Fixture.Database, at: Target, login: Login) =>
  Effect.flip(database.administration.ping({ ...at, ...login })).pipe(Effect.map((error) => error.reason._tag))

export const lifecycle = (engine: Engine.Engine, version: string, client: AppClient): Promise<void> => {
  const image = engine.versions[version]?.image ?? ""
  return Fixture.withDocker(`${engine.label} ${version} on Docker`, [image], () => {
    it.live(
      "is deployed, used, restarted, stopped, started and removed",
      () =>
        Effect.gen(function* () {
          const { runtime, instance } = yield* Fixture.harbour()
          const database = Fixture.database(runtime, engine, { version })
          const { spec, admin, app, administration } = database
          const asApp = () => Fixture.target(runtime, spec, app)

          const at = yield* Fixture.deploy(runtime, database)
          yield* administration.write(at)
          yield* Effect.promise(() => client.write(at, "kept"))
          assert.strictEqual(yield* Effect.promise(() => client.read(at)), "kept")

          assert.strictEqual(yield* refusal(database, at, { ...app, password: Redacted.make("wrong") }), "LoginRefused")
          assert.strictEqual(yield* refusal(database, at, { ...app, password: Redacted.make("") }), "LoginRefused")
          assert.strictEqual(yield* refusal(database, at, { ...admin, password: Redacted.make("") }), "LoginRefused")
          const overreach = yield* Effect.exit(Effect.tryPromise(() => client.overreach(at)))
          assert.strictEqual(overreach._tag, "Failure")

          const facts = yield* administration.facts({ ...at, ...admin })
          assert.strictEqual(facts.dataFolder, yield* runtime.dataFolder(spec.id))
          assert.strictEqual(facts.version.startsWith(version) || version === "latest", true)

          const { readByUrl } = client
          if (readByUrl !== undefined) {
            const endpoint = Engine.primaryEndpoint(engine)
            const url = engine.url({ ...at, endpoint })
            assert.strictEqual(yield* Effect.promise(() => readByUrl(url)), "kept")
          }

          // Every step may run again.
          yield* runtime.prepare(spec, Fixture.quiet)
          yield* runtime.create(spec, Fixture.quiet)
          yield* runtime.start(spec)
          yield* administration.createApp({ ...at, ...admin }, app)
          assert.strictEqual(yield* Effect.promise(() => client.read(at)), "kept")

          yield* runtime.stop(spec)
          yield* runtime.stop(spec)
          assert.strictEqual((yield* runtime.inspect(spec.id))?.state._tag, "Stopped")
          yield* runtime.start(spec)
          yield* Fixture.ready(runtime, database)
          const again = yield* asApp()
          assert.strictEqual(yield* Effect.promise(() => client.read(again)), "kept")

          const text = yield* Effect.promise(() => everything(instance))
          for (const login of [admin, app]) assert.notInclude(text, Redacted.value(login.password))

          yield* runtime.remove(spec.id)
          yield* runtime.remove(spec.id)
          assert.strictEqual(yield* runtime.inspect(spec.id), undefined)
          assert.deepStrictEqual(yield* Effect.promise(() => Fixture.remains(instance)), [])
        }),
      5 * minutes
    )
  })
}

/** What anybody who can ask the engine, or list the processes of its machine, can read of the containers. */
const everything = async (instance: string): Promise<string> => {
  const filters = { label: [`berth.instance=${instance}`, "berth.role=server"] }
  const containers = await Fixture.engine.listContainers({ all: true, filters })
  const texts = await Promise.all(
    containers.map(async ({ Id }) => {
      const container = Fixture.engine.getContainer(Id)
      return [await container.inspect(), await container.top({ ps_args: "auxeww" })]
    })
  )
  return JSON.stringify(texts)
}
