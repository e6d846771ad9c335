/** Node's HTTP server with the patience and the sizes that a public address needs. */

import { unlinkSync } from "node:fs"
import { createServer as createHttp, type RequestListener, type Server } from "node:http"
import { createServer as createHttps } from "node:https"
import { connect } from "node:net"
import type { SecureContextOptions } from "node:tls"
import { Effect, Schema, type Scope } from "effect"
import type { Handle } from "../plane/userspace/wire/Handle.ts"
import type { Address } from "./Authority.ts"

export class AdminUnavailable extends Schema.TaggedError<AdminUnavailable>("@berth/gateway/AdminUnavailable")(
  "AdminUnavailable",
  { code: Schema.Literal("ADMIN_UNAVAILABLE"), message: Schema.String }
) {
  static readonly of = (message: string): AdminUnavailable =>
    new AdminUnavailable({ code: "ADMIN_UNAVAILABLE", message })
}

const limits = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 2000
}
/** Connections at one time; operators, scrapers and tunnels are fewer. */
const mostConnections = 4096

export const make = (handler: RequestListener, tls?: SecureContextOptions): Server => {
  const server = tls === undefined ? createHttp(limits, handler) : createHttps({ ...limits, ...tls }, handler)
  server.maxConnections = mostConnections
  // What is no HTTP gets no conversation.
  server.on("clientError", (_, socket) => socket.destroy())
  return server
}

const describe = (address: Address): string =>
  address.kind === "unix" ? address.path : `${address.host}:${address.port}`

/** A Unix socket that nobody answers on is what a killed process leaves behind. */
const isAbandoned = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path)
    probe.once("connect", () => {
      probe.destroy()
      resolve(false)
    })
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"))
  })

const open = (server: Server, address: Address, inherited: Handle | undefined) =>
  Effect.callback<void, NodeJS.ErrnoException>((resume) => {
    const failed = (error: NodeJS.ErrnoException) => resume(Effect.fail(error))
    server.once("error", failed)
    const opened = () => {
      server.off("error", failed)
      server.on("error", () => undefined)
      resume(Effect.void)
    }
    if (inherited !== undefined) server.listen(inherited, opened)
    else if (address.kind === "unix") server.listen(address.path, opened)
    else server.listen(address.port, address.host, opened)
  })

/** Listens until the scope ends. Answers with the port, which differs from the one asked for when that was 0. */
export const listen = Effect.fnUntraced(function* (
  server: Server,
  address: Address,
  inherited?: Handle
): Effect.fn.Return<number, AdminUnavailable, Scope.Scope> {
  yield* Effect.acquireRelease(
    open(server, address, inherited).pipe(
      Effect.catch((error) =>
        address.kind === "unix" && error.code === "EADDRINUSE"
          ? Effect.promise(() => isAbandoned(address.path)).pipe(
              Effect.flatMap((abandoned) => {
                if (!abandoned) return Effect.fail(error)
                unlinkSync(address.path)
                return open(server, address, undefined)
              })
            )
          : Effect.fail(error)
      ),
      Effect.mapError((error) => AdminUnavailable.of(`cannot listen on ${describe(address)}: ${error.message}`))
    ),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  const bound = server.address()
  return typeof bound === "object" && bound !== null ? bound.port : 0
})
