/**
 * Connections in the log of a Redis or Valkey server at level `verbose`. Whether a client could log in is not written
 * there: refused logins are in `ACL LOG`, inside the server.
 */
import type { ConnectionEvent } from "../ConnectionEvent.ts"

const accepted = /Accepted (\S+):\d+$/
const closed = /Client closed connection .*\baddr=(\S+):\d+ /

export const connection = (text: string): ConnectionEvent | undefined => {
  const opened = accepted.exec(text)
  if (opened !== null) return { what: "connected", from: opened[1] ?? "" }
  const ended = closed.exec(text)
  if (ended === null) return undefined
  const username = /\buser=(\S+)/.exec(text)?.[1]
  return { what: "disconnected", from: ended[1] ?? "", ...(username === undefined ? {} : { username }) }
}
