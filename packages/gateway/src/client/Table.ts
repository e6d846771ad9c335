/**
 * The whole table of routes, and what can be wrong with one. Pure: a port that another program holds is found out by
 * whoever opens it, everything else here.
 */
import { Result, Schema, SchemaIssue } from "effect"
import { type Issue, TableRefused } from "./Errors.ts"
import { Route, type RouteId } from "./Route.ts"

/** Counts the changes of a table: 0 before the first. A write that names an older one is refused. */
export const Revision = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

export interface Table {
  readonly revision: number
  readonly routes: ReadonlyArray<Route>
}

export const empty: Table = { revision: 0, routes: [] }

/** A table on the wire and on disk. */
export const TableJson = Schema.Struct({ revision: Revision, routes: Schema.Array(Route) })

const decodeRoute = Schema.decodeUnknownResult(Route, { errors: "all", onExcessProperty: "error" })
const listIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const nameOf = (input: unknown, index: number): string =>
  typeof input === "object" && input !== null && "id" in input && typeof input.id === "string" && input.id !== ""
    ? input.id
    : `routes[${index}]`

/** The problems of one route in JSON form, or the route. */
export const route = (input: unknown, index = 0): Result.Result<Route, ReadonlyArray<Issue>> =>
  Result.mapError(decodeRoute(input), (error) =>
    listIssues(error.issue).issues.map((issue) => ({
      code: "invalid_field",
      route: nameOf(input, index),
      field: (issue.path ?? []).map(String).join(".") || "(route)",
      problem: issue.message
    }))
  )

const serverNames = (route: Route): ReadonlyArray<string> => route.tls?.serverNames ?? []

/** What is wrong with routes that are each right by themselves: the same id, port or server name twice. */
export const conflicts = (routes: ReadonlyArray<Route>): ReadonlyArray<Issue> => {
  const issues: Array<Issue> = []
  const ids = new Set<RouteId>()
  const ports = new Map<number, Array<Route>>()
  for (const each of routes) {
    if (ids.has(each.id)) {
      issues.push({ code: "duplicate_id", route: each.id, field: "id", problem: "another route has this id" })
    }
    ids.add(each.id)
    const others = ports.get(each.port)
    if (others === undefined) {
      ports.set(each.port, [each])
      continue
    }
    const first = others.find((other) => serverNames(other).length === 0) ?? others[0]
    if (first !== undefined && (serverNames(each).length === 0 || serverNames(first).length === 0)) {
      issues.push({
        code: "duplicate_port",
        route: each.id,
        field: "port",
        problem: `port ${each.port} is taken by ${first.id}; routes share a port only when each has tls.serverNames`
      })
    }
    for (const name of serverNames(each)) {
      const owner = others.find((other) => serverNames(other).includes(name))
      if (owner !== undefined) {
        issues.push({
          code: "duplicate_server_name",
          route: each.id,
          field: "tls.serverNames",
          problem: `${name} on port ${each.port} is taken by ${owner.id}`
        })
      }
    }
    others.push(each)
  }
  return issues
}

/** Reads routes in JSON form. All their problems are found at once, each with its route and field. */
export const fromUnknown = (inputs: ReadonlyArray<unknown>): Result.Result<ReadonlyArray<Route>, TableRefused> => {
  const routes: Array<Route> = []
  const issues: Array<Issue> = []
  inputs.forEach((input, index) => {
    const result = route(input, index)
    if (Result.isSuccess(result)) routes.push(result.success)
    else issues.push(...result.failure)
  })
  issues.push(...conflicts(routes))
  return issues.length === 0 ? Result.succeed(routes) : Result.fail(TableRefused.of(issues))
}

/** Routes that are each right by themselves, if they go together. */
export const check = (routes: ReadonlyArray<Route>): Result.Result<ReadonlyArray<Route>, TableRefused> => {
  const issues = conflicts(routes)
  return issues.length === 0 ? Result.succeed(routes) : Result.fail(TableRefused.of(issues))
}

/** Routes in JSON form. */
export const toJson = Schema.encodeSync(Schema.Array(Route))
