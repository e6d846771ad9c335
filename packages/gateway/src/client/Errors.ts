/** What the admin API and the embedded gateway answer when they do not do what was asked. None carries a secret. */
import { Schema } from "effect"

/** One thing that is wrong with a table. */
export const Issue = Schema.Struct({
  /** `invalid_field`, `duplicate_id`, `duplicate_port`, `duplicate_server_name`, `port_occupied`, `port_privileged`,
   * `port_unavailable` or `file_unreadable`. */
  code: Schema.String,
  /** Id of the route, or its place in the list when it has none. */
  route: Schema.String,
  /** Path of the field inside the route. */
  field: Schema.String,
  problem: Schema.String
})
export type Issue = typeof Issue.Type

const shown = 5

/** The table was refused as a whole; what was served before is still served. */
export class TableRefused extends Schema.TaggedError<TableRefused>("@berth/gateway/TableRefused")(
  "TableRefused",
  { code: Schema.Literal("TABLE_REFUSED"), message: Schema.String, issues: Schema.Array(Issue) },
  { httpApiStatus: 422 }
) {
  static readonly of = (issues: ReadonlyArray<Issue>): TableRefused => {
    const lines = issues.slice(0, shown).map((issue) => `${issue.route}: ${issue.field}: ${issue.problem}`)
    const more = issues.length > shown ? `\nand ${issues.length - shown} more` : ""
    return new TableRefused({
      code: "TABLE_REFUSED",
      message: `the table was refused and nothing was changed\n${lines.join("\n")}${more}`,
      issues
    })
  }
}

/** Somebody changed the table since it was read. Read it again and decide anew. */
export class StaleRevision extends Schema.TaggedError<StaleRevision>("@berth/gateway/StaleRevision")(
  "StaleRevision",
  { code: Schema.Literal("STALE_REVISION"), message: Schema.String, expected: Schema.Int, actual: Schema.Int },
  { httpApiStatus: 409 }
) {
  static readonly of = (expected: number, actual: number): StaleRevision =>
    new StaleRevision({
      code: "STALE_REVISION",
      message: `the write was made for revision ${expected}, the table is at ${actual}; read it again and decide anew`,
      expected,
      actual
    })
}

export class RouteNotFound extends Schema.TaggedError<RouteNotFound>("@berth/gateway/RouteNotFound")(
  "RouteNotFound",
  { code: Schema.Literal("ROUTE_NOT_FOUND"), message: Schema.String, id: Schema.String },
  { httpApiStatus: 404 }
) {
  static readonly of = (id: string): RouteNotFound =>
    new RouteNotFound({ code: "ROUTE_NOT_FOUND", message: `the table has no route ${id}`, id })
}

export class ConnectionNotFound extends Schema.TaggedError<ConnectionNotFound>("@berth/gateway/ConnectionNotFound")(
  "ConnectionNotFound",
  { code: Schema.Literal("CONNECTION_NOT_FOUND"), message: Schema.String, id: Schema.String },
  { httpApiStatus: 404 }
) {
  static readonly of = (id: string): ConnectionNotFound =>
    new ConnectionNotFound({
      code: "CONNECTION_NOT_FOUND",
      message: `no live connection has the id ${id}; it may have ended by itself`,
      id
    })
}

export class Unauthorized extends Schema.TaggedError<Unauthorized>("@berth/gateway/Unauthorized")(
  "Unauthorized",
  { code: Schema.Literal("UNAUTHORIZED"), message: Schema.String },
  { httpApiStatus: 401 }
) {
  static readonly of = (): Unauthorized =>
    new Unauthorized({
      code: "UNAUTHORIZED",
      message: "this needs the admin token, as `Authorization: Bearer <token>`"
    })
}

/** The table could not be kept on disk, so it was not taken into service either. */
export class StateNotWritten extends Schema.TaggedError<StateNotWritten>("@berth/gateway/StateNotWritten")(
  "StateNotWritten",
  { code: Schema.Literal("STATE_NOT_WRITTEN"), message: Schema.String, path: Schema.String },
  { httpApiStatus: 507 }
) {
  static readonly of = (path: string, why: string): StateNotWritten =>
    new StateNotWritten({
      code: "STATE_NOT_WRITTEN",
      message: `${path} could not be written (${why}), so the table was left as it was`,
      path
    })
}
