import { Schema } from "effect"

/** A database has no server, no address and no credentials before its first successful deployment. */
export class NotDeployed extends Schema.TaggedError<NotDeployed>()("NotDeployed", { database: Schema.String }) {
  readonly code = "NOT_DEPLOYED"
  override get message(): string {
    return `"${this.database}" is not deployed yet. Deploy it first.`
  }
}
