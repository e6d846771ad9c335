/** What can go wrong between Berth and a server that it speaks to. Messages never hold a password. */
import { Schema } from "effect"

/** Nothing answers at the address. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  readonly code = "ENGINE_UNREACHABLE"
  readonly isRetryable = true
  override get message(): string {
    return `Nothing answers at ${this.host}:${this.port}: ${this.detail}.`
  }
}

/** The server answers and is not ready to serve yet. */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", { detail: Schema.String }) {
  readonly code = "ENGINE_NOT_READY"
  readonly isRetryable = true
  override get message(): string {
    return `The server is not ready yet: ${this.detail}.`
  }
}

/** The server refused the name or the password. */
export class LoginRefused extends Schema.TaggedError<LoginRefused>()("LoginRefused", {
  username: Schema.String,
  detail: Schema.String
}) {
  readonly code = "ENGINE_LOGIN_REFUSED"
  readonly isRetryable = false
  override get message(): string {
    return `The server refused the login of "${this.username}": ${this.detail}.`
  }
}

/** The server refused or failed a statement. */
export class StatementFailed extends Schema.TaggedError<StatementFailed>()("StatementFailed", {
  action: Schema.String,
  detail: Schema.String
}) {
  readonly code = "ENGINE_STATEMENT_FAILED"
  readonly isRetryable = false
  override get message(): string {
    return `The server could not ${this.action}: ${this.detail}.`
  }
}

export const EngineErrorReason = Schema.Union([Unreachable, NotReady, LoginRefused, StatementFailed])
export type EngineErrorReason = typeof EngineErrorReason.Type

export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", { reason: EngineErrorReason }) {
  override readonly cause = this.reason
  override get message(): string {
    return this.reason.message
  }
  get code(): string {
    return this.reason.code
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** An engine value that contradicts itself. */
export class InvalidEngine extends Schema.TaggedError<InvalidEngine>()("InvalidEngine", {
  engine: Schema.String,
  problem: Schema.String
}) {
  readonly code = "ENGINE_INVALID"
  override get message(): string {
    return `The engine "${this.engine}" cannot be used: ${this.problem}. Correct its definition.`
  }
}
