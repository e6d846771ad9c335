/**
 * What the gateway knows of a database: a public port, where its bytes go, and the limits on the way. This is the
 * contract between the gateway and whoever drives it; it says nothing about how the bytes are carried.
 */
import { Schema } from "effect"

/** `<database>.<endpoint>`, such as `orders.postgres`: the routes of one database share what stands before the dot. */
export const RouteId = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^[a-z0-9][a-z0-9_-]{0,62}\.[a-z][a-z0-9-]{0,30}$/)),
  Schema.brand("@berth/gateway/RouteId")
)
export type RouteId = typeof RouteId.Type

/** `host:port` with the host a name, an IPv4 address or a bracketed IPv6 address. */
export const Target = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([1-9]\d{0,4})$/)),
  Schema.brand("@berth/gateway/Target")
)
export type Target = typeof Target.Type

export const Route = Schema.Struct({
  id: RouteId,
  /** Public port, 1 to 65535. */
  port: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))),
  target: Target,
  /** Networks that may connect, in CIDR form. Left out: nobody but loopback. */
  allow: Schema.optionalKey(Schema.Array(Schema.IpNetworkFromString)),
  /** Connections at one time. Left out: no limit of its own. */
  maxConnections: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0))))
})
export type Route = typeof Route.Type
