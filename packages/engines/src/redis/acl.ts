/** Users of a Redis server, in the words of its access control lists. (Redis, "ACL".) */
import { createHash } from "node:crypto"
import { Redacted } from "effect"
import type { Login } from "../Engine.ts"

/** SHA-256, which the server takes in place of the password, so that a password travels to no server and stands in no file. */
export const hash = (password: Redacted.Redacted): string =>
  `#${createHash("sha256").update(Redacted.value(password)).digest("hex")}`

/** Nobody may come in without a name. */
export const nobody = "user default off resetpass resetkeys resetchannels -@all"

export const administratorLine = ({ username, password }: Login): string =>
  `user ${username} on ${hash(password)} ~* &* +@all`

/**
 * Everything with data, and nothing with the server. Of the commands that the server itself calls dangerous, those that
 * usual clients and queues rely on stay: they read, or empty, data that is the app's anyway.
 */
export const appRules: ReadonlyArray<string> = [
  "~*",
  "&*",
  "+@all",
  "-@admin",
  "-@dangerous",
  "+info",
  "+keys",
  "+sort",
  "+sort_ro",
  "+flushdb",
  "+role"
]
