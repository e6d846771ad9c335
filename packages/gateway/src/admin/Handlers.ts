/** What the endpoints of the admin API do. */
import { Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AdminApi, Authorization, graceMillis } from "../client/AdminApi.ts"
import { TableRefused, Unauthorized } from "../client/Errors.ts"
import { Gateway } from "../Gateway.ts"
import * as Authority from "./Authority.ts"

const served = { name: "userspace", why: "the only data plane of this version" }

const routes = HttpApiBuilder.group(AdminApi, "routes", (handlers) =>
  Effect.map(Gateway, (gateway) => {
    const shown = (id: string) =>
      Effect.gen(function* () {
        const route = yield* gateway.find(id)
        return { revision: (yield* gateway.table).revision, route, plane: served }
      })
    return handlers.handleAll({
      list: () => gateway.table,
      replace: ({ payload, query }) =>
        gateway.routes.replace(payload.routes, {
          ...(payload.revision === undefined ? {} : { revision: payload.revision }),
          grace: graceMillis(query.drain)
        }),
      find: ({ params }) => shown(params.id),
      put: Effect.fnUntraced(function* ({ params, payload, query }) {
        const route: Record<string, unknown> = { id: params.id, ...payload }
        if (route.id !== params.id) {
          const problem = `the address names ${params.id}; both must be the same`
          return yield* TableRefused.of([{ code: "invalid_field", route: String(route.id), field: "id", problem }])
        }
        yield* gateway.routes.put(route, query)
        return yield* shown(params.id)
      }),
      remove: ({ params, query }) =>
        gateway.routes.remove(params.id, {
          ...(query.revision === undefined ? {} : { revision: query.revision }),
          grace: graceMillis(query.drain)
        })
    })
  })
)

const connections = HttpApiBuilder.group(AdminApi, "connections", (handlers) =>
  Effect.map(Gateway, (gateway) =>
    handlers.handleAll({
      list: ({ query }) =>
        Effect.map(gateway.connections, (all) =>
          query.route === undefined ? all : all.filter((each) => each.route === query.route)
        ),
      cut: ({ params }) => Effect.as(gateway.cutOne(params.id), { cut: params.id }),
      counters: () => gateway.counters
    })
  )
)

/** With a token, the token; without one, requests that name this machine. */
const authorization = (token: Redacted.Redacted | undefined) =>
  Layer.succeed(
    Authorization,
    Authorization.of({
      bearer: (handler, { credential }) =>
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const granted =
            token === undefined
              ? Authority.isOwnHost(request.headers.host)
              : Authority.isToken(Redacted.value(credential), token)
          if (!granted) return yield* Unauthorized.of()
          return yield* handler
        })
    })
  )

/** The API with its OpenAPI document at `/openapi.json`. */
export const layer = (token: Redacted.Redacted | undefined) =>
  HttpApiBuilder.layer(AdminApi, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide([routes, connections]),
    Layer.provide(authorization(token))
  )
