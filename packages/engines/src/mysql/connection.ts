/**
 * Connections in the error log of a MySQL server: those that were refused, or broke. A login that succeeds is written
 * to the general log only, together with every statement, so that one is left off.
 */
import type { ConnectionEvent } from "../ConnectionEvent.ts"

const denied = /Access denied for user '([^']*)'@'([^']*)'/
const aborted = /Aborted connection \d+ to db: '([^']*)' user: '([^']*)' host: '([^']*)'/

export const connection = (text: string): ConnectionEvent | undefined => {
  const refused = denied.exec(text)
  if (refused !== null) {
    return { what: "refused", username: refused[1] ?? "", from: refused[2] ?? "", detail: refused[0] }
  }
  const broken = aborted.exec(text)
  if (broken === null) return undefined
  return { what: "disconnected", database: broken[1] ?? "", username: broken[2] ?? "", from: broken[3] ?? "" }
}
