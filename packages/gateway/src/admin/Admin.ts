/** The admin door: API, health, metrics, status page, events and tunnels on one address. */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Option, type Redacted } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Gateway } from "../Gateway.ts"
import type { Handle } from "../plane/userspace/wire/Handle.ts"
import { version } from "../version.ts"
import * as Authority from "./Authority.ts"
import * as Doors from "./Doors.ts"
import * as Events from "./Events.ts"
import * as Handlers from "./Handlers.ts"
import * as Metrics from "./Metrics.ts"
import { page, pagePolicy } from "./StatusPage.ts"
import * as Tunnel from "./Tunnel.ts"

export interface Options {
  readonly address: Authority.Address
  readonly token: Redacted.Redacted | undefined
  /** Whether the gateway still takes new clients; false while it drains. */
  readonly ready: Effect.Effect<boolean>
  /** The listening handle of the process whose place is taken. */
  readonly inherited?: Handle | undefined
}

const startedAt = Date.now()

const plainRoutes = (options: Options) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/healthz", HttpServerResponse.text("ok\n")),
    HttpRouter.add(
      "GET",
      "/readyz",
      Effect.map(options.ready, (ready) =>
        HttpServerResponse.text(ready ? "ready\n" : "draining\n", { status: ready ? 200 : 503 })
      )
    ),
    HttpRouter.add(
      "GET",
      "/metrics",
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1]
        const granted =
          options.token === undefined
            ? Authority.isOwnHost(request.headers.host)
            : given !== undefined && Authority.isToken(given, options.token)
        if (!granted) return HttpServerResponse.text("this needs the admin token\n", { status: 401 })
        const gateway = yield* Gateway
        const { revision } = yield* gateway.table
        const memory = process.memoryUsage.rss()
        return HttpServerResponse.text(
          Metrics.render(yield* gateway.counters, { revision, version, startedAt, memory }),
          {
            contentType: "text/plain; version=0.0.4; charset=utf-8"
          }
        )
      })
    ),
    HttpRouter.add(
      "GET",
      "/",
      HttpServerResponse.text(page, {
        contentType: "text/html; charset=utf-8",
        headers: {
          "content-security-policy": pagePolicy,
          "x-content-type-options": "nosniff",
          "referrer-policy": "no-referrer"
        }
      })
    )
  )

/** Opens the door until the scope ends; answers with its port. Refused where everybody could give orders. */
export const serve = Effect.fn("Admin.serve")(function* (options: Options) {
  const refusal = Authority.refusal(options.address, options.token !== undefined)
  if (refusal !== undefined) return yield* Doors.AdminUnavailable.of(refusal)
  const gateway = yield* Gateway
  const scope = yield* Effect.scope
  const events = yield* Events.make
  const app = yield* HttpRouter.toHttpEffect(
    Layer.mergeAll(Handlers.layer(options.token), plainRoutes(options)).pipe(
      Layer.provide(NodeHttpServer.layerHttpServices)
    )
  )
  const handler = yield* NodeHttpServer.makeHandler(app, { scope })
  const server = Doors.make(handler)
  const routes = yield* watched(gateway)
  server.on(
    "upgrade",
    Tunnel.make({ token: options.token, find: routes, open: gateway.extras.tunnel ?? (() => false), events })
  )
  return { server, port: yield* Doors.listen(server, options.address, options.inherited) }
})

/** The route of an id, asked from a callback. */
const watched = (gateway: Gateway["Service"]) =>
  Effect.map(
    Effect.context<never>(),
    (context) => (id: string) => Option.getOrUndefined(Effect.runSyncWith(context)(Effect.option(gateway.find(id))))
  )
