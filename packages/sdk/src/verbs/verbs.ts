/** The verbs of a database. */
import type { Verb } from "../operations/Operation.ts"
import { remove } from "./delete.ts"
import { deploy } from "./deploy.ts"
import { restart } from "./restart.ts"
import { start } from "./start.ts"
import { stop } from "./stop.ts"
import type { VerbPlan } from "./VerbPlan.ts"

export const verbs: Readonly<Record<Verb, VerbPlan>> = { deploy, start, restart, stop, delete: remove }
