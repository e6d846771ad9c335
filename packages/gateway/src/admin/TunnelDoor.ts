/** A public door that carries tunnels and nothing else. */

import type { SecureContextOptions } from "node:tls"
import { Effect, Option, type Redacted } from "effect"
import { Gateway } from "../Gateway.ts"
import type { Handle } from "../plane/userspace/wire/Handle.ts"
import type { Address } from "./Authority.ts"
import * as Doors from "./Doors.ts"
import * as Tunnel from "./Tunnel.ts"

export interface Options {
  readonly address: Address
  /** The admin token opens every route here too; without one only routes with tokens of their own can be opened. */
  readonly token: Redacted.Redacted | undefined
  /** Left out: plain HTTP, for a proxy in front that ends TLS. */
  readonly tls: SecureContextOptions | undefined
  readonly inherited: Handle | undefined
}

/** Opens the door until the scope ends. */
export const serve = Effect.fn("TunnelDoor.serve")(function* ({ address, token, tls, inherited }: Options) {
  const gateway = yield* Gateway
  const run = Effect.runSyncWith(yield* Effect.context<never>())
  const server = Doors.make((_, response) => void response.writeHead(404).end(), tls)
  server.on(
    "upgrade",
    Tunnel.make({
      token,
      find: (id) => Option.getOrUndefined(run(Effect.option(gateway.find(id)))),
      open: gateway.extras.tunnel ?? (() => false),
      events: undefined
    })
  )
  return { server, port: yield* Doors.listen(server, address, inherited) }
})
