/** URLs of databases, built from parts and never by replacing text. */
import { Redacted } from "effect"

export interface EndpointUrl {
  readonly username: string
  readonly password: Redacted.Redacted
  readonly host: string
  readonly port: number
  /** With its leading slash, already encoded; empty for none. */
  readonly path: string
}

/** `encodeURIComponent` leaves `!'()*` as they are, which shells and some clients read as their own. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** `scheme://user:password@host:port/path`, with an IPv6 host in brackets. */
export const endpointUrl = (scheme: string, parts: EndpointUrl): string => {
  const host = parts.host.includes(":") ? `[${parts.host}]` : parts.host
  const login = `${encode(parts.username)}:${encode(Redacted.value(parts.password))}`
  return `${scheme}://${login}@${host}:${parts.port}${parts.path}`
}
