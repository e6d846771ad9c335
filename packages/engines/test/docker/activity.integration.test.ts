import { clickhouse, mariadb, mysql, postgres, redis } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schedule, Stream } from "effect"
import * as Fixture from "./fixture.ts"

/** What the engine's own log tells of a login that was refused, and of one that was not. */
const subjects = [
  { engine: postgres, version: "17", refusals: true, arrivals: "authenticated" },
  { engine: mysql, version: "9", refusals: true, arrivals: undefined },
  { engine: mariadb, version: "11", refusals: true, arrivals: undefined },
  { engine: redis, version: "8", refusals: false, arrivals: "connected" },
  { engine: clickhouse, version: "18.16", refusals: true, arrivals: undefined }
] as const

for (const { engine, version, refusals, arrivals } of subjects) {
  const image = engine.versions[version]?.image ?? ""
  await Fixture.withDocker(`the log of ${engine.label} ${version}`, [image], () => {
    it.live("tells who connected and who was refused", () =>
      Effect.gen(function* () {
        const { runtime } = yield* Fixture.harbour()
        const database = Fixture.database(runtime, engine, { version })
        const at = yield* Fixture.deploy(runtime, database)
        yield* database.administration.ping(at)
        yield* Effect.flip(database.administration.ping({ ...at, password: Redacted.make("wrong") }))
        const read = Stream.runCollect(runtime.logs(database.spec.id, {})).pipe(
          Effect.map((lines) => lines.flatMap(({ text }) => engine.connection?.(text) ?? []))
        )
        const isThere = (what: string) =>
          read.pipe(
            Effect.map((events) => events.some((event) => event.what === what)),
            Effect.repeat({ schedule: Schedule.spaced("100 millis"), times: 50, until: (found) => found })
          )
        if (refusals) assert.isTrue(yield* isThere("refused"))
        if (arrivals !== undefined) assert.isTrue(yield* isThere(arrivals))
        assert.isTrue((yield* read).some(({ username }) => username === at.username))
      })
    )
  })
}
