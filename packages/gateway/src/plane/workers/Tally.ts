/** Counts of several workers, and of those that are no more, as one. */
import type { Counters, Histogram, RouteCounters } from "../../client/Connection.ts"

const addRecords = (
  one: Readonly<Record<string, number>>,
  two: Readonly<Record<string, number>>
): Readonly<Record<string, number>> => {
  const sum = { ...one }
  for (const [key, count] of Object.entries(two)) sum[key] = (sum[key] ?? 0) + count
  return sum
}

const addHistograms = (one: Histogram, two: Histogram): Histogram => ({
  buckets: one.buckets.map((count, index) => count + (two.buckets[index] ?? 0)),
  sum: one.sum + two.sum
})

const addRoutes = (one: RouteCounters, two: RouteCounters): RouteCounters => ({
  route: one.route,
  open: one.open + two.open,
  accepted: one.accepted + two.accepted,
  refused: addRecords(one.refused, two.refused),
  dialFailures: one.dialFailures + two.dialFailures,
  bytesUp: one.bytesUp + two.bytesUp,
  bytesDown: one.bytesDown + two.bytesDown,
  dials: addHistograms(one.dials, two.dials),
  sessions: addHistograms(one.sessions, two.sessions),
  healthy: one.healthy && two.healthy
})

export const none: Counters = { routes: [], refused: {} }

export const add = (one: Counters, two: Counters): Counters => {
  const routes = new Map(one.routes.map((route) => [route.route, route]))
  for (const route of two.routes) {
    const known = routes.get(route.route)
    routes.set(route.route, known === undefined ? route : addRoutes(known, route))
  }
  return { routes: [...routes.values()], refused: addRecords(one.refused, two.refused) }
}

/** What is left of a worker that died: what it counted, but nothing that is open. */
export const withoutOpen = (counters: Counters): Counters => ({
  ...counters,
  routes: counters.routes.map((route) => ({ ...route, open: 0, healthy: true }))
})

/** Counts of routes that are still in the table. */
export const only = (counters: Counters, ids: ReadonlySet<string>): Counters => ({
  ...counters,
  routes: counters.routes.filter((route) => ids.has(route.route) || route.open > 0)
})
