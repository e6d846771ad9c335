/**
 * Health checks: every running database is logged in to as its app would, on and on, and how that went and how long it
 * took is kept for the last probes of each. They are kept in memory: after a start of the process they begin anew.
 */
import { Clock, Context, type Duration, Effect, Layer, Schedule } from "effect"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { Servers, target } from "../databases/Servers.ts"
import { OperationStore } from "../operations/OperationStore.ts"

/** Time between two probes of one database. */
export const ProbeEvery = Context.Reference<Duration.Input>("@berth/sdk/ProbeEvery", {
  defaultValue: () => "30 seconds"
})

const kept = 20
const atOnce = 8
const limit = "10 seconds"

export interface Probe {
  readonly at: Date
  readonly ok: boolean
  readonly milliseconds: number
  /** What was wrong; only when it was not ok. */
  readonly problem: string | undefined
}

export class Probes extends Context.Service<
  Probes,
  {
    /** The last 20 probes, oldest first. */
    readonly of: (database: string) => ReadonlyArray<Probe>
    /** Probes one database now, and keeps the result. */
    readonly probe: (database: string) => Effect.Effect<Probe | undefined>
  }
>()("@berth/sdk/Probes") {
  static readonly layer: Layer.Layer<Probes, never, DatabaseStore | OperationStore | Servers> = Layer.effect(
    Probes,
    Effect.gen(function* () {
      const databases = yield* DatabaseStore
      const operations = yield* OperationStore
      const servers = yield* Servers
      const results = new Map<string, ReadonlyArray<Probe>>()

      const login = Effect.fnUntraced(function* (id: string) {
        const server = yield* servers.of(yield* databases.get(id))
        yield* server.runtime.administration(server.engine).ping(yield* target(server, server.logins.app))
      })

      const probe = Effect.fnUntraced(function* (id: string) {
        const start = yield* Clock.currentTimeMillis
        const problem = yield* login(id).pipe(
          Effect.as(undefined),
          Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed(`no answer within ${limit}`) }),
          Effect.catch((error) => Effect.succeed(error.message))
        )
        const end = yield* Clock.currentTimeMillis
        const result: Probe = { at: new Date(start), ok: problem === undefined, milliseconds: end - start, problem }
        results.set(id, [...(results.get(id) ?? []), result].slice(-kept))
        return result
      })

      const round = Effect.gen(function* () {
        const busy = new Set((yield* operations.active).map(({ database }) => database))
        const all = yield* databases.list({})
        const known = new Set(all.map(({ id }) => id))
        for (const id of results.keys()) if (!known.has(id)) results.delete(id)
        const due = all.filter(({ id, phase }) => phase === "running" && !busy.has(id))
        yield* Effect.forEach(due, ({ id }) => probe(id), { concurrency: atOnce, discard: true })
      })

      yield* round.pipe(
        Effect.catch((error) => Effect.logWarning("Databases could not be probed", error)),
        Effect.repeat(Schedule.spaced(yield* ProbeEvery)),
        Effect.forkScoped
      )
      return Probes.of({ of: (database) => results.get(database) ?? [], probe })
    })
  )
}
