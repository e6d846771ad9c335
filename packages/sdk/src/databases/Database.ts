/** A database as the store keeps it, and where it stands. */
import type { Limits } from "@berth/engines"
import { Schema } from "effect"
import type { Verb } from "../operations/Operation.ts"

/**
 * What the last verb left behind. `created` was never deployed, `failed` was and came to nothing; the other two say
 * whether the server is meant to run.
 */
export const Phase = Schema.Literals(["created", "failed", "running", "stopped"])
export type Phase = typeof Phase.Type

/**
 * What a person reads. While a verb runs it is the verb's own word; `crashed` is meant to run and does not, `missing`
 * is gone from its host, `unreachable` is on a host that does not answer.
 */
export type DatabaseStatus =
  | "created"
  | "deploying"
  | "failed"
  | "running"
  | "restarting"
  | "stopping"
  | "stopped"
  | "starting"
  | "deleting"
  | "crashed"
  | "missing"
  | "unreachable"

export interface Database {
  readonly id: string
  readonly name: string
  /** Id and name of the app. */
  readonly app: { readonly id: string; readonly name: string }
  readonly environment: { readonly id: string; readonly name: string }
  readonly host: string
  readonly engine: string
  readonly version: string
  /** What the server may use of its host. */
  readonly limits: Limits | undefined
  /** Id of the kept data that the first deployment takes over. */
  readonly adopts: string | undefined
  readonly phase: Phase
  readonly createdAt: Date
}

export const verbing: Readonly<Record<Verb, DatabaseStatus>> = {
  deploy: "deploying",
  start: "starting",
  restart: "restarting",
  stop: "stopping",
  delete: "deleting"
}

export class DatabaseNotFound extends Schema.TaggedError<DatabaseNotFound>()("DatabaseNotFound", {
  database: Schema.String
}) {
  readonly code = "DATABASE_NOT_FOUND"
  override get message(): string {
    return `There is no database "${this.database}". Databases are named by id; databases.list shows the ids.`
  }
}

export class DatabaseExists extends Schema.TaggedError<DatabaseExists>()("DatabaseExists", {
  environment: Schema.String,
  database: Schema.String
}) {
  readonly code = "DATABASE_EXISTS"
  override get message(): string {
    return `The environment "${this.environment}" has a database "${this.database}" already. Choose another name.`
  }
}
