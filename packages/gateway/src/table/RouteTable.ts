/** The table in service: every change is one after the other, whole, kept on disk, and counted by a revision. */
import { Effect, Option, Result, Semaphore } from "effect"
import { RouteNotFound, StaleRevision, type StateNotWritten, type TableRefused } from "../client/Errors.ts"
import type { Route } from "../client/Route.ts"
import * as Table from "../client/Table.ts"
import type { DataPlane } from "../plane/DataPlane.ts"
import * as StateFile from "./StateFile.ts"

export type WriteError = TableRefused | StaleRevision | StateNotWritten

export interface RouteTable {
  readonly current: Effect.Effect<Table.Table>
  /** Where the routes last came from; see {@link StateFile.State}. */
  readonly source: Effect.Effect<string | undefined>
  readonly find: (id: string) => Effect.Effect<Route, RouteNotFound>
  /** Replaces every route. Sessions of routes that are gone are cut, after `grace` milliseconds. */
  readonly replace: (
    routes: ReadonlyArray<unknown>,
    options?: { readonly revision?: number; readonly source?: string; readonly grace?: number }
  ) => Effect.Effect<Table.Table, WriteError>
  /** Adds or changes one route. */
  readonly put: (route: unknown, options?: { readonly revision?: number }) => Effect.Effect<Table.Table, WriteError>
  /** Closes the port, then ends the sessions; answers when both are done. */
  readonly remove: (
    id: string,
    options?: { readonly revision?: number; readonly grace?: number }
  ) => Effect.Effect<Table.Table, WriteError | RouteNotFound>
}

/** A port that is lost since the last run must not keep all the others closed. */
const revive = (plane: DataPlane, table: Table.Table): Effect.Effect<Table.Table, TableRefused> =>
  plane.apply(table.routes).pipe(
    Effect.as(table),
    Effect.catchTag("TableRefused", (refused) => {
      const broken = new Set(refused.issues.map((issue) => issue.route))
      const routes = table.routes.filter((route) => !broken.has(route.id))
      return Effect.logError("routes of the kept table cannot be served any more and are left out").pipe(
        Effect.annotateLogs({ issues: refused.issues }),
        Effect.andThen(plane.apply(routes)),
        Effect.as({ revision: table.revision, routes })
      )
    })
  )

export const make = Effect.fnUntraced(function* (plane: DataPlane, state: string | undefined) {
  const one = yield* Semaphore.make(1)
  let current = Table.empty
  let source: string | undefined

  const expect = (revision: number | undefined) =>
    revision === undefined || revision === current.revision
      ? Effect.void
      : Effect.fail(StaleRevision.of(revision, current.revision))

  const serve = Effect.fnUntraced(function* (table: Table.Table, from: string | undefined) {
    const staged = state === undefined ? undefined : yield* StateFile.stage(state, { table, source: from })
    yield* plane.apply(table.routes).pipe(Effect.tapError(() => staged?.discard ?? Effect.void))
    const previous = current
    current = table
    source = from
    if (staged !== undefined) {
      yield* staged.commit.pipe(
        Effect.tapError(() => {
          current = previous
          return Effect.ignore(plane.apply(previous.routes))
        })
      )
    }
    const kept = new Set<string>(table.routes.map((route) => route.id))
    return previous.routes.filter((old) => !kept.has(old.id))
  })

  const cutAll = (gone: ReadonlyArray<Route>, grace: number) =>
    Effect.forEach(gone, ({ id }) => plane.cut({ route: id }, grace), { concurrency: "unbounded", discard: true })

  /** Cutting is outside of the lock: a drain of a minute must not hold up the next change. */
  const change = Effect.fnUntraced(function* (
    revision: number | undefined,
    from: string | undefined,
    grace: number,
    next: (routes: ReadonlyArray<Route>) => Result.Result<ReadonlyArray<Route>, TableRefused>
  ) {
    const [table, gone] = yield* one.withPermit(
      Effect.gen(function* () {
        yield* expect(revision)
        const routes = yield* Effect.fromResult(next(current.routes))
        const table = { revision: current.revision + 1, routes }
        const gone = yield* serve(table, from)
        return [table, gone] as const
      }).pipe(Effect.uninterruptible)
    )
    yield* cutAll(gone, grace)
    return table
  })

  const find: RouteTable["find"] = (id) =>
    Effect.suspend(() => {
      const found = current.routes.find((route) => route.id === id)
      return found === undefined ? Effect.fail(RouteNotFound.of(id)) : Effect.succeed(found)
    })

  if (state !== undefined) {
    const kept = yield* StateFile.load(state)
    if (Option.isSome(kept)) {
      current = yield* revive(plane, kept.value.table)
      source = kept.value.source
    }
  }

  const table: RouteTable = {
    current: Effect.sync(() => current),
    source: Effect.sync(() => source),
    find,
    replace: (inputs, options = {}) =>
      change(options.revision, options.source ?? source, options.grace ?? 0, () => Table.fromUnknown(inputs)),
    put: (input, options = {}) =>
      change(options.revision, source, 0, (routes) =>
        Result.flatMap(Table.fromUnknown([input]), (read) => {
          const [route] = read
          const known = routes.findIndex((each) => each.id === route?.id)
          const next =
            known < 0 ? [...routes, ...read] : routes.map((each, index) => (index === known ? (route ?? each) : each))
          return Table.check(next)
        })
      ),
    remove: (id, options = {}) =>
      Effect.flatMap(find(id), () =>
        change(options.revision, source, options.grace ?? 0, (routes) =>
          Result.succeed(routes.filter((route) => route.id !== id))
        )
      )
  }
  return table
})
