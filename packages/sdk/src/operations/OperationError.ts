/** What callers of operations can be told. */
import { Schema } from "effect"
import { Failure, type FailureCategory, Verb } from "./Operation.ts"

export class OperationNotFound extends Schema.TaggedError<OperationNotFound>()("OperationNotFound", {
  operation: Schema.String
}) {
  readonly code = "OPERATION_NOT_FOUND"
  override get message(): string {
    return `There is no operation "${this.operation}". List the operations of a database to see their ids.`
  }
}

/** Another verb runs on this database; verbs of one database never overlap. */
export class OperationInProgress extends Schema.TaggedError<OperationInProgress>()("OperationInProgress", {
  database: Schema.String,
  databaseName: Schema.String,
  verb: Verb,
  operation: Schema.String
}) {
  readonly code = "OPERATION_IN_PROGRESS"
  override get message(): string {
    return `"${this.databaseName}" is busy: ${this.verb} is running (${this.operation}). Wait for it, or cancel it, and try again.`
  }
}

/** A verb came to nothing; what it had made was undone. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  operation: Schema.String,
  database: Schema.String,
  databaseName: Schema.String,
  verb: Verb,
  failure: Failure
}) {
  get code(): string {
    return this.failure.code
  }
  get category(): FailureCategory {
    return this.failure.category
  }
  override get message(): string {
    return `${this.verb} of "${this.databaseName}" failed at the step "${this.failure.step}": ${this.failure.message}`
  }
}

/** A verb was cancelled before its end; what it had made was undone. */
export class OperationCancelled extends Schema.TaggedError<OperationCancelled>()("OperationCancelled", {
  operation: Schema.String,
  database: Schema.String,
  databaseName: Schema.String,
  verb: Verb
}) {
  readonly code = "OPERATION_CANCELLED"
  override get message(): string {
    return `${this.verb} of "${this.databaseName}" was cancelled, and what it had made was undone.`
  }
}

/** Cancelling would not bring back what is gone. */
export class NotCancellable extends Schema.TaggedError<NotCancellable>()("NotCancellable", {
  operation: Schema.String,
  reason: Schema.String
}) {
  readonly code = "OPERATION_NOT_CANCELLABLE"
  override get message(): string {
    return `The operation ${this.operation} cannot be cancelled: ${this.reason}.`
  }
}

/** How a step fails inside an operation; it is journalled, so it is plain data. */
export class StepFailed extends Schema.TaggedError<StepFailed>()("StepFailed", { failure: Failure }) {
  override get message(): string {
    return this.failure.message
  }
}
