/** Connections in the log of a ClickHouse server. At its level `information` it writes of logins that it refused. */
import type { ConnectionEvent } from "../ConnectionEvent.ts"

const marks = /Code: (?:192|193|194|516)\b|Authentication failed|Wrong password for user|Unknown user/

export const connection = (text: string): ConnectionEvent | undefined => {
  if (!marks.test(text)) return undefined
  const username = /Wrong password for user ([^\s,.]+)/.exec(text)?.[1] ?? /Unknown user '?([^\s',.]+)/.exec(text)?.[1]
  const detail = text.replace(/^.*?<\w+> /, "").slice(0, 300)
  return { what: "refused", detail, ...(username === undefined ? {} : { username }) }
}
