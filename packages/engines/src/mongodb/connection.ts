/** Connections in the log of a MongoDB server, which is one JSON object a line. (MongoDB, "Log Messages".) */
import { Schema } from "effect"
import type { ConnectionEvent } from "../ConnectionEvent.ts"

const Line = Schema.fromJsonString(
  Schema.Struct({
    msg: Schema.String,
    attr: Schema.optionalKey(
      Schema.Struct({
        remote: Schema.optionalKey(Schema.String),
        client: Schema.optionalKey(Schema.String),
        user: Schema.optionalKey(Schema.String),
        db: Schema.optionalKey(Schema.String),
        error: Schema.optionalKey(Schema.String)
      })
    )
  })
)
const decode = Schema.decodeUnknownOption(Line)

const kinds: Readonly<Record<string, ConnectionEvent["what"]>> = {
  "Connection accepted": "connected",
  "Successfully authenticated": "authenticated",
  "Authentication failed": "refused",
  "Connection ended": "disconnected"
}

export const connection = (text: string): ConnectionEvent | undefined => {
  const decoded = decode(text)
  if (decoded._tag === "None") return undefined
  const { msg, attr = {} } = decoded.value
  const what = kinds[msg]
  if (what === undefined) return undefined
  const from = (attr.remote ?? attr.client)?.replace(/:\d+$/, "")
  return {
    what,
    ...(from === undefined ? {} : { from }),
    ...(attr.user === undefined ? {} : { username: attr.user }),
    ...(attr.db === undefined ? {} : { database: attr.db }),
    ...(attr.error === undefined ? {} : { detail: attr.error })
  }
}
