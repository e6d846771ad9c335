/**
 * Which verbs a database takes now, and why it does not take the others. The rules are pure and stand here alone:
 * `actions` shows them, and every verb asks them before it begins.
 */
import { Schema } from "effect"
import { type Operation, Verb } from "../operations/Operation.ts"
import type { Database } from "./Database.ts"

export interface Action {
  readonly verb: Verb
  readonly allowed: boolean
  /** Why not, and what to do instead; only when it is not allowed. */
  readonly reason: string | undefined
}

/** What the host says about the server right now, as far as the rules care. */
export type Observed = "up" | "down" | "unknown"

export interface Standing {
  readonly database: Pick<Database, "name" | "phase">
  readonly active: Pick<Operation, "id" | "verb"> | undefined
  readonly observed: Observed
}

const refusal = (verb: Verb, { database: { name, phase }, observed }: Standing): string | undefined => {
  const deployed = phase === "running" || phase === "stopped"
  switch (verb) {
    case "deploy":
      return deployed ? `"${name}" is deployed already; a database is deployed once. Restart it instead.` : undefined
    case "start":
      if (!deployed) return `"${name}" is not deployed yet. Deploy it first.`
      return phase === "running" && observed !== "down" ? `"${name}" is running already.` : undefined
    case "restart":
      if (!deployed) return `"${name}" is not deployed yet. Deploy it first.`
      return phase === "stopped" ? `"${name}" is stopped. Start it instead.` : undefined
    case "stop":
      if (!deployed) return `"${name}" is not deployed yet, so there is nothing to stop.`
      return phase === "stopped" ? `"${name}" is stopped already.` : undefined
    case "delete":
      return undefined
  }
}

const busy = ({ database, active }: Standing): string | undefined =>
  active === undefined
    ? undefined
    : `"${database.name}" is busy: ${active.verb} is running (${active.id}). Wait for it, or cancel it.`

export const action = (verb: Verb, standing: Standing): Action => {
  const reason = busy(standing) ?? refusal(verb, standing)
  return { verb, allowed: reason === undefined, reason }
}

export const actions = (standing: Standing): ReadonlyArray<Action> =>
  Verb.literals.map((verb) => action(verb, standing))

/** The database does not take this verb now. */
export class ActionNotAllowed extends Schema.TaggedError<ActionNotAllowed>()("ActionNotAllowed", {
  database: Schema.String,
  verb: Verb,
  reason: Schema.String
}) {
  readonly code = "ACTION_NOT_ALLOWED"
  override get message(): string {
    return `${this.verb} is refused: ${this.reason}`
  }
}
