/** The admin API: one schema for the server, the typed client and the OpenAPI document. */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import { Connection, Counters } from "./Connection.ts"
import {
  ConnectionNotFound,
  RouteNotFound,
  StaleRevision,
  StateNotWritten,
  TableRefused,
  Unauthorized
} from "./Errors.ts"
import { Route } from "./Route.ts"
import { Revision, TableJson } from "./Table.ts"

export class Authorization extends HttpApiMiddleware.Service<Authorization>()("@berth/gateway/Authorization", {
  security: { bearer: HttpApiSecurity.bearer },
  error: Unauthorized
}) {}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** How long live sessions may go on, such as `30s`, `500ms`, `2m` or `1h`. */
export const Grace = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^\d{1,9}(ms|s|m|h)$/, { expected: "a time such as `30s`, `500ms`, `2m` or `1h`" }))
)

/** Milliseconds of a {@link Grace}. */
export const graceMillis = (grace: string | undefined): number => {
  const match = /^(\d+)(ms|s|m|h)$/.exec(grace ?? "")
  const unit = match?.[2]
  return unit === "ms" || unit === "s" || unit === "m" || unit === "h" ? Number(match?.[1]) * units[unit] : 0
}

const revision = { revision: Schema.optionalKey(Revision) }
const drain = { drain: Schema.optionalKey(Grace) }
const id = { id: Schema.String }

/** Checked by the table itself, which finds every problem at once and names its route and field. */
const UncheckedRoute = Schema.Record(Schema.String, Schema.Unknown).annotate({
  description: "A route in JSON form; what is wrong with it is answered with its field."
})

/** A route with the table's revision and what carries it. */
export const RouteInService = Schema.Struct({
  revision: Revision,
  route: Route,
  plane: Schema.Struct({ name: Schema.String, why: Schema.String })
})

const writeErrors = [TableRefused, StaleRevision, StateNotWritten] as const

export class RoutesApi extends HttpApiGroup.make("routes")
  .add(
    HttpApiEndpoint.get("list", "/routes", { success: TableJson }),
    HttpApiEndpoint.put("replace", "/routes", {
      query: drain,
      payload: Schema.Struct({ ...revision, routes: Schema.Array(Schema.Unknown) }),
      success: TableJson,
      error: writeErrors
    }),
    HttpApiEndpoint.get("find", "/routes/:id", { params: id, success: RouteInService, error: RouteNotFound }),
    HttpApiEndpoint.put("put", "/routes/:id", {
      params: id,
      query: revision,
      payload: UncheckedRoute,
      success: RouteInService,
      error: [...writeErrors, RouteNotFound]
    }),
    HttpApiEndpoint.delete("remove", "/routes/:id", {
      params: id,
      query: { ...revision, ...drain },
      success: TableJson,
      error: [...writeErrors, RouteNotFound]
    })
  )
  .middleware(Authorization)
  .prefix("/v1") {}

export class ConnectionsApi extends HttpApiGroup.make("connections")
  .add(
    HttpApiEndpoint.get("list", "/connections", {
      query: { route: Schema.optionalKey(Schema.String) },
      success: Schema.Array(Connection)
    }),
    HttpApiEndpoint.delete("cut", "/connections/:id", {
      params: id,
      success: Schema.Struct({ cut: Schema.String }),
      error: ConnectionNotFound
    }),
    HttpApiEndpoint.get("counters", "/counters", { success: Counters })
  )
  .middleware(Authorization)
  .prefix("/v1") {}

export class AdminApi extends HttpApi.make("berth-gateway")
  .add(RoutesApi)
  .add(ConnectionsApi)
  .annotateMerge(OpenApi.annotations({ title: "Berth gateway", description: "Routes, connections and counts." })) {}
