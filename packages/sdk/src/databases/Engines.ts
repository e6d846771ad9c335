/** The engines that databases can be created with. */
import { clickhouse, type Engine, mariadb, mongodb, mysql, postgres, redis, valkey } from "@berth/engines"
import { Context, Effect, Layer } from "effect"
import { InvalidInput } from "../schema/InvalidInput.ts"

const own: ReadonlyArray<Engine.Engine> = [postgres, mysql, mariadb, mongodb, redis, valkey, clickhouse]

export class Engines extends Context.Service<
  Engines,
  {
    readonly all: ReadonlyArray<Engine.Engine>
    readonly get: (id: string) => Effect.Effect<Engine.Engine, InvalidInput>
    /** `version` defaults to the engine's own default. */
    readonly choose: (
      id: string,
      version: string | undefined
    ) => Effect.Effect<{ readonly engine: Engine.Engine; readonly version: string }, InvalidInput>
  }
>()("@berth/sdk/Engines") {
  /** Berth's own engines and `more`, which take precedence. */
  static readonly layer = (more: ReadonlyArray<Engine.Engine> = []): Layer.Layer<Engines> => {
    const all = new Map([...own, ...more].map((engine) => [engine.id, engine]))
    const get = (id: string) => {
      const engine = all.get(id)
      if (engine !== undefined) return Effect.succeed(engine)
      const problem = `must be one of ${[...all.keys()].join(", ")}, not "${id}"`
      return Effect.fail(new InvalidInput({ field: "engine", problem, example: "postgres" }))
    }
    return Layer.succeed(
      Engines,
      Engines.of({
        all: [...all.values()],
        get,
        choose: Effect.fnUntraced(function* (id, version) {
          const engine = yield* get(id)
          const chosen = version ?? engine.defaultVersion
          if (Object.hasOwn(engine.versions, chosen)) return { engine, version: chosen }
          const known = Object.keys(engine.versions).join(", ")
          const problem = `must be a supported version of ${engine.label} (${known}), not "${chosen}"`
          return yield* new InvalidInput({ field: "version", problem, example: engine.defaultVersion })
        })
      })
    )
  }
}
