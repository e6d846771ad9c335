/** A userspace plane by itself, without the control around it. */
import { Effect, Result, type Scope } from "effect"
import type { SessionEnded } from "../../src/client/Connection.ts"
import type { RouteInput } from "../../src/client/Route.ts"
import * as Table from "../../src/client/Table.ts"
import { Carriage, type Options } from "../../src/plane/userspace/Carriage.ts"
import { Limiter, type Limits, local } from "../../src/plane/userspace/limits/Limiter.ts"
import { makeSupply } from "../../src/plane/userspace/limits/Meters.ts"
import { viaSystem } from "../../src/plane/userspace/target/Resolver.ts"

export interface Plane {
  readonly carriage: Carriage
  readonly ended: Array<SessionEnded>
  readonly refused: Array<string>
  readonly failures: Array<unknown>
  /** Applies routes in JSON form; the problems, as `route field code`. */
  readonly apply: (...routes: ReadonlyArray<RouteInput>) => Effect.Effect<ReadonlyArray<string>>
}

export const makePlane = (
  options: Partial<Options> & { readonly limits?: Limits } = {}
): Effect.Effect<Plane, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const limiter = new Limiter(options.limits ?? {})
      const ended: Array<SessionEnded> = []
      const refused: Array<string> = []
      const failures: Array<unknown> = []
      const carriage = new Carriage({
        listen: ["127.0.0.1"],
        worker: 0,
        shared: false,
        admission: local(limiter),
        supply: makeSupply(options.limits?.bytesPerSecond, () => performance.now()),
        resolve: viaSystem(),
        inherited: new Map(),
        ended: (session) => ended.push(session),
        refused: (reason) => refused.push(reason),
        failed: (_, error) => failures.push(error),
        ...options
      })
      const apply: Plane["apply"] = (...inputs) =>
        Effect.promise(async () => {
          const routes = Result.getOrThrow(Table.fromUnknown(inputs))
          limiter.configure(routes)
          const issues = await carriage.apply(routes)
          return issues.map((issue) => `${issue.route} ${issue.field} ${issue.code}`)
        })
      return { carriage, ended, refused, failures, apply }
    }),
    ({ carriage }) => Effect.sync(() => carriage.close())
  )
