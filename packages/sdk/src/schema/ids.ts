/** Ids and secrets from the machine's cryptographic source. */
import { randomInt } from "node:crypto"
import { Effect, Redacted } from "effect"

const lower = "abcdefghijklmnopqrstuvwxyz0123456789"
const alphanumeric = `${lower}ABCDEFGHIJKLMNOPQRSTUVWXYZ`

const draw = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("")

export type IdPrefix = "app" | "env" | "db" | "dep" | "op"

/** `db_` and 16 characters: 82 bits, safe as a name of a folder, a container or a network. */
export const makeId = (prefix: IdPrefix): Effect.Effect<string> => Effect.sync(() => `${prefix}_${draw(lower, 16)}`)

/** 32 characters of a-z, A-Z and 0-9 (190 bits), which need no escaping in a URL, a shell or a configuration file. */
export const makePassword: Effect.Effect<Redacted.Redacted> = Effect.sync(() => Redacted.make(draw(alphanumeric, 32)))
