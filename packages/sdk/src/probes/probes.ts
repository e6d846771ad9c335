/**
 * Health checks: every running database is logged in to as its app would, at most ten a second, and how that went and
 * how long it took is kept for the last probes of each. They are kept in memory: after a start of the process they
 * begin anew.
 */
import { Array as Arr, Clock, Context, type Duration, Effect, Layer, Schedule } from "effect"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { Servers, target } from "../databases/Servers.ts"
import { OperationStore } from "../operations/OperationStore.ts"

/** Time between two rounds of probes. */
export const ProbeEvery = Context.Reference<Duration.Input>("@berth/sdk/ProbeEvery", {
  defaultValue: () => "30 seconds"
})

const kept = 20
/** However many databases there are, probing them costs no more than this: a round then takes longer. */
const perSecond = 10
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
        for (const some of Arr.chunksOf(due, perSecond)) {
          yield* Effect.forEach(some, ({ id }) => probe(id), { concurrency: "unbounded", discard: true })
          if (due.length > perSecond) yield* Effect.sleep("1 second")
        }
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
