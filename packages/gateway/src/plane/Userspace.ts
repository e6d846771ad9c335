/** The userspace data plane in this process. */
import { Effect, type Scope } from "effect"
import { TableRefused } from "../client/Errors.ts"
import type { DataPlane } from "./DataPlane.ts"
import { Carriage, type Options } from "./userspace/Carriage.ts"
import { type Limiter, local } from "./userspace/limits/Limiter.ts"

/** The plane, closed with its scope, and what it is made of for those that go past the interface. */
export const make = Effect.fnUntraced(function* (
  limiter: Limiter,
  options: Omit<Options, "admission">
): Effect.fn.Return<DataPlane & { readonly carriage: Carriage }, never, Scope.Scope> {
  const carriage = yield* Effect.acquireRelease(
    Effect.sync(() => new Carriage({ ...options, admission: local(limiter) })),
    (made) => Effect.sync(() => made.close())
  )
  return {
    carriage,
    apply: (routes) =>
      Effect.promise(() => carriage.apply(routes)).pipe(
        Effect.flatMap((issues) => {
          if (issues.length > 0) return Effect.fail(TableRefused.of(issues))
          limiter.configure(routes)
          return Effect.void
        })
      ),
    connections: Effect.sync(() => carriage.connections()),
    cut: (which, grace) => Effect.promise(() => carriage.cut(which, grace)),
    counters: Effect.sync(() => carriage.counters()),
    stopAccepting: Effect.sync(() => carriage.stopAccepting())
  }
})
