/** Connections in the log of a Postgres server. (PostgreSQL, "Error Reporting and Logging", `log_connections`.) */
import type { ConnectionEvent } from "../ConnectionEvent.ts"

/** `2026-01-02 03:04:05.123 UTC [71] 172.18.0.1 LOG:  …`; a server on `local` writes no client into the prefix. */
const line = /^\S+ \S+ \S+ \[\d+\] (?:(\S+) )?(LOG|FATAL): {2}(.*)$/

const defined = (event: ConnectionEvent, from: string | undefined): ConnectionEvent =>
  from === undefined || from === "[local]" ? event : { ...event, from }

export const connection = (text: string): ConnectionEvent | undefined => {
  const [, prefix, level, message = ""] = line.exec(text) ?? []
  const from = /\bhost=(\S+)/.exec(message)?.[1] ?? prefix
  if (level === "FATAL") {
    const refused =
      /^password authentication failed for user "(.*)"$/.exec(message) ??
      /^no pg_hba.conf entry .*user "([^"]*)"/.exec(message)
    return refused === null
      ? undefined
      : defined({ what: "refused", username: refused[1] ?? "", detail: message }, from)
  }
  if (message.startsWith("connection received: ")) return defined({ what: "connected" }, from)
  const authorized = /^connection authorized: user=(\S+)(?: database=(\S+))?/.exec(message)
  if (authorized !== null) {
    return defined({ what: "authenticated", username: authorized[1] ?? "", ...database(authorized[2]) }, from)
  }
  const ended = /^disconnection: .* user=(\S+) database=(\S+)/.exec(message)
  if (ended === null) return undefined
  return defined({ what: "disconnected", username: ended[1] ?? "", ...database(ended[2]) }, from)
}

const database = (name: string | undefined): { readonly database?: string } =>
  name === undefined ? {} : { database: name }
