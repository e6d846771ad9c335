/** TLS on either side of a route. Certificates are files: the gateway reads them again when they change. */
import { Schema } from "effect"

/**
 * How TLS begins: `tls` with the first byte, `postgres` after the question that Postgres clients ask first
 * (`SSLRequest`, `GSSENCRequest`); a Postgres 17 client that begins with TLS directly is served too.
 */
const Start = Schema.Literals(["tls", "postgres"])

/** A TLS server name, or `*.` and a domain for one more label in front. Lower case. */
export const ServerName = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(/^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/, {
      expected: "a host name in lower case, or `*.` and a domain"
    })
  )
)

const FilePath = Schema.NonEmptyString

const Passthrough = Schema.Struct({
  mode: Schema.Literal("passthrough"),
  start: Schema.optionalKey(Start),
  /** Names by which clients ask for this route. Without them the port can serve this route alone. */
  serverNames: Schema.optionalKey(Schema.NonEmptyArray(ServerName))
})

const Terminate = Schema.Struct({
  mode: Schema.Literal("terminate"),
  start: Schema.optionalKey(Start),
  serverNames: Schema.optionalKey(Schema.NonEmptyArray(ServerName)),
  /** Path of the certificate chain in PEM form. */
  certificate: FilePath,
  /** Path of the private key in PEM form. */
  key: FilePath,
  /** The oldest version that is spoken. Default 1.2. */
  minVersion: Schema.optionalKey(Schema.Literals(["1.2", "1.3"]))
})

/** TLS on the public side: handed through untouched, or ended at the gateway. */
export const TlsOffer = Schema.Union([Passthrough, Terminate])
export type TlsOffer = typeof TlsOffer.Type

/** TLS to the target, whose certificate is always verified. */
export const TargetTls = Schema.Struct({
  start: Schema.optionalKey(Start),
  /** Path of the authorities to trust, in PEM form. Left out: those that Node brings. */
  ca: Schema.optionalKey(FilePath),
  /** The name the target's certificate must bear. Left out: the host of `target`. */
  serverName: Schema.optionalKey(Schema.String)
})
export type TargetTls = typeof TargetTls.Type
