/**
 * What the gateway knows of a database: a public port, where its bytes go, and the limits on the way. This is the
 * contract between the gateway and whoever drives it; it says nothing about how the bytes are carried.
 */
import { Schema } from "effect"
import { TargetTls, TlsOffer } from "./Tls.ts"

/** `<database>.<endpoint>`, such as `orders.postgres`: the routes of one database share what stands before the dot. */
export const RouteId = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(/^[a-z0-9][a-z0-9_-]{0,62}\.[a-z][a-z0-9-]{0,30}$/, {
      expected: "`<database>.<endpoint>` in lower case, such as `orders.postgres`"
    })
  ),
  Schema.brand("@berth/gateway/RouteId")
)
export type RouteId = typeof RouteId.Type

const targetForm = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([1-9]\d{0,4})$/

/** `host:port` with the host a name, an IPv4 address or a bracketed IPv6 address. */
export const Target = Schema.String.pipe(
  Schema.check(
    Schema.makeFilter(
      (text: string) => {
        const match = targetForm.exec(text)
        return match !== null && Number(match[3]) <= 65_535
      },
      { expected: "`host:port`, the host a name, an IPv4 address or an IPv6 address in brackets" }
    )
  ),
  Schema.brand("@berth/gateway/Target")
)
export type Target = typeof Target.Type

/** The two halves of a target. */
export const hostAndPort = (target: string): { readonly host: string; readonly port: number } => {
  const match = targetForm.exec(target)
  return { host: match?.[1] ?? match?.[2] ?? "", port: Number(match?.[3] ?? 0) }
}

const Port = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })))
const Count = Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))
const Networks = Schema.Array(Schema.IpNetworkFromString)

/** A tunnel token is kept as its SHA-256 in hexadecimal, so that a table holds nothing that opens a door. */
const TokenHash = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "a SHA-256 in hexadecimal" }))
)

/** Limits that a route and the whole gateway can have. Left out: no such limit. */
export const limits = {
  /** Connections at one time, 1 or more. */
  maxConnections: Schema.optionalKey(Count),
  /** Connections at one time from one client address, 1 or more. */
  maxConnectionsPerAddress: Schema.optionalKey(Count),
  /** New connections a second, 1 or more; a burst of one second's worth is taken at once. */
  newConnectionsPerSecond: Schema.optionalKey(Count),
  /** Bytes a second, both directions together, 1024 or more; a burst of one second's worth passes at once. */
  bytesPerSecond: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(1024))))
}

/** An active check of the target: a TCP connection that is closed again. */
export const HealthCheck = Schema.Struct({
  /** Time between checks. Default 5 seconds. */
  interval: Schema.optionalKey(Schema.DurationFromString),
  /** How long a check may take. Default 2 seconds. */
  timeout: Schema.optionalKey(Schema.DurationFromString),
  /** Failures in a row before the target counts as down, 1 or more. Default 2. */
  failures: Schema.optionalKey(Count)
})
export type HealthCheck = typeof HealthCheck.Type

export const Route = Schema.Struct({
  id: RouteId,
  /** Public port, 1 to 65535. Routes share a port when TLS server names tell them apart. */
  port: Port,
  target: Target,
  /** Networks that may connect, in CIDR form. Left out: nobody but loopback. */
  allow: Schema.optionalKey(Networks),
  /** Networks that may not connect, whatever `allow` says. */
  deny: Schema.optionalKey(Networks),
  ...limits,
  /** A session that carried no byte for so long is ended. Left out or null: never. */
  idleTimeout: Schema.optionalKey(Schema.NullOr(Schema.DurationFromString)),
  /** A session older than this is ended. Left out or null: never. */
  maxLifetime: Schema.optionalKey(Schema.NullOr(Schema.DurationFromString)),
  /** How long one attempt to reach one address of the target may take. Default 3 seconds. */
  connectTimeout: Schema.optionalKey(Schema.DurationFromString),
  /** How long all attempts for one client may take together. Default 5 seconds; zero tries every address once. */
  connectBudget: Schema.optionalKey(Schema.DurationFromString),
  /** The PROXY protocol header that the target is sent. Default `off`. */
  proxyProtocol: Schema.optionalKey(Schema.Literals(["off", "v1", "v2"])),
  /** Networks whose connections start with a PROXY header, which is required of them and of nobody else. */
  proxyFrom: Schema.optionalKey(Networks),
  /** TLS on the public side. Left out: bytes are carried as they come. */
  tls: Schema.optionalKey(TlsOffer),
  /** TLS from the gateway to the target. Left out: none. */
  targetTls: Schema.optionalKey(TargetTls),
  /** Active checks of the target. Left out: failed dials alone tell. */
  health: Schema.optionalKey(HealthCheck),
  /** Tokens (as SHA-256) that may open this route over the WebSocket door. Left out: the admin token alone. */
  tunnel: Schema.optionalKey(Schema.Struct({ tokens: Schema.Array(TokenHash) })),
  /** What carries the bytes. `auto`, the default, takes the fastest data plane that can serve the route. */
  plane: Schema.optionalKey(Schema.Literals(["auto", "userspace"]))
})
export type Route = typeof Route.Type
/** A route as JSON, which is also how a program writes one down. */
export type RouteInput = typeof Route.Encoded
