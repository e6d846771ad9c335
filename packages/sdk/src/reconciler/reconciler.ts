/**
 * Looks at the hosts every two seconds, or as often as `LookEvery` says, and compares what they have with what the store says: a server that ended, was
 * removed or was started behind our back is known within that time and told as an event. It changes nothing.
 */
import { Context, type Duration, Effect, Layer, Schedule } from "effect"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { type Observation, statusOf } from "../databases/status.ts"
import { Events } from "../events/events.ts"
import { Hosts } from "../hosts/hosts.ts"
import { OperationStore } from "../operations/OperationStore.ts"
import type { StoreFailed } from "../store/StoreError.ts"

/** Time between two looks at the hosts. */
export const LookEvery = Context.Reference<Duration.Input>("@berth/sdk/LookEvery", { defaultValue: () => "2 seconds" })

export class Reconciler extends Context.Service<
  Reconciler,
  {
    /** What the last look saw; `undefined` before the first one. */
    readonly observed: (database: string) => Observation | undefined
    /** Looks now. */
    readonly look: Effect.Effect<void, StoreFailed>
  }
>()("@berth/sdk/Reconciler") {
  static readonly layer: Layer.Layer<Reconciler, never, DatabaseStore | Events | Hosts | OperationStore> = Layer.effect(
    Reconciler,
    Effect.gen(function* () {
      const databases = yield* DatabaseStore
      const events = yield* Events
      const hosts = yield* Hosts
      const operations = yield* OperationStore
      let seen: ReadonlyMap<string, Observation> = new Map()
      const told = new Map<string, string>()

      const askHost = Effect.fnUntraced(function* (host: string) {
        const runtime = hosts.all.get(host)
        if (runtime === undefined)
          return { _tag: "Unreachable", why: `this Berth was opened without "${host}"` } as const
        return yield* runtime.list.pipe(
          Effect.map((found) => new Map(found.map(({ id, state }) => [id, state]))),
          Effect.catch((error) => Effect.succeed({ _tag: "Unreachable", why: error.message } as const))
        )
      })

      const look = Effect.gen(function* () {
        const all = yield* databases.list({})
        const busy = new Map((yield* operations.active).map((operation) => [operation.database, operation]))
        const names = new Set(all.map(({ host }) => host))
        const answers = new Map(
          yield* Effect.forEach(names, (host) => askHost(host).pipe(Effect.map((answer) => [host, answer] as const)), {
            concurrency: "unbounded"
          })
        )
        const now = new Map<string, Observation>()
        for (const database of all) {
          if (database.phase === "created" || database.phase === "failed") continue
          const answer = answers.get(database.host)
          if (answer === undefined) continue
          const observation = answer instanceof Map ? (answer.get(database.id) ?? { _tag: "Missing" as const }) : answer
          now.set(database.id, observation)
          if (busy.has(database.id)) {
            told.delete(database.id)
            continue
          }
          const { status, reason } = statusOf(database, undefined, observation, undefined)
          const before = told.get(database.id)
          told.set(database.id, status)
          if (before !== undefined && before !== status) {
            yield* events.publish({ type: "status", database: database.id, status, reason })
          }
        }
        for (const id of told.keys()) if (!now.has(id)) told.delete(id)
        seen = now
      })

      yield* look.pipe(
        Effect.catch((error) => Effect.logWarning("The hosts could not be compared with the store", error)),
        Effect.repeat(Schedule.spaced(yield* LookEvery)),
        Effect.forkScoped
      )
      return Reconciler.of({ observed: (database) => seen.get(database), look })
    })
  )
}
