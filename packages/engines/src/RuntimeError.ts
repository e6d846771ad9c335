/** What can go wrong between Berth and the place that runs servers. */
import { Schema } from "effect"

/** The program or image that the engine needs is not on this host. */
export class ProgramMissing extends Schema.TaggedError<ProgramMissing>()("ProgramMissing", {
  engine: Schema.String,
  version: Schema.String,
  looked: Schema.Array(Schema.String)
}) {
  readonly code = "RUNTIME_PROGRAM_MISSING"
  readonly category = "program"
  readonly isRetryable = false
  override get message(): string {
    return `No ${this.engine} ${this.version} is on this machine. Looked in: ${this.looked.join(", ")}. Install it, put its folder on PATH, or choose another version.`
  }
}

/** The engine has no way to run on this runtime. */
export class NotSupported extends Schema.TaggedError<NotSupported>()("NotSupported", {
  what: Schema.String,
  runtime: Schema.String,
  next: Schema.String
}) {
  readonly code = "RUNTIME_NOT_SUPPORTED"
  readonly category = "program"
  readonly isRetryable = false
  override get message(): string {
    return `${this.what} cannot run on the runtime "${this.runtime}". ${this.next}`
  }
}

/** A port that belongs to the server is held by something else. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  server: Schema.String,
  host: Schema.String,
  port: Schema.Int
}) {
  readonly code = "RUNTIME_PORT_TAKEN"
  readonly category = "port"
  readonly isRetryable = false
  override get message(): string {
    return `Port ${this.port} on ${this.host}, which belongs to the server ${this.server}, is held by another program. End that program and start the database again.`
  }
}

/** There is no room left for what the step had to write. */
export class DiskFull extends Schema.TaggedError<DiskFull>()("DiskFull", { folder: Schema.String }) {
  readonly code = "RUNTIME_DISK_FULL"
  readonly category = "disk"
  readonly isRetryable = false
  override get message(): string {
    return `The disk that holds ${this.folder} is full. Free some space and try again; what was half written has been removed.`
  }
}

/** A folder stands where ours should be, and nothing says that it is ours. */
export class NotOurs extends Schema.TaggedError<NotOurs>()("NotOurs", { folder: Schema.String, found: Schema.String }) {
  readonly code = "RUNTIME_NOT_OURS"
  readonly category = "host"
  readonly isRetryable = false
  override get message(): string {
    return `${this.folder} does not belong to Berth (${this.found}), so it is left alone. Choose another folder, or move that one away.`
  }
}

/** The server ended when it should have run. */
export class ServerEnded extends Schema.TaggedError<ServerEnded>()("ServerEnded", {
  server: Schema.String,
  how: Schema.String,
  lastLines: Schema.Array(Schema.String)
}) {
  readonly code = "RUNTIME_SERVER_ENDED"
  readonly category = "server"
  readonly isRetryable = false
  override get message(): string {
    const said = this.lastLines.length === 0 ? "It wrote no log." : `Its last lines: ${this.lastLines.join(" | ")}`
    return `The server ${this.server} ended: ${this.how}. ${said}`
  }
}

/** The runtime knows no server of this id. */
export class ServerMissing extends Schema.TaggedError<ServerMissing>()("ServerMissing", { server: Schema.String }) {
  readonly code = "RUNTIME_SERVER_MISSING"
  readonly category = "server"
  readonly isRetryable = false
  override get message(): string {
    return `The server ${this.server} is not on its host: it was removed without Berth. Delete the database, or restore a backup of it.`
  }
}

/** A program that the runtime ran beside a server failed. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  program: Schema.String,
  how: Schema.String,
  lastLines: Schema.Array(Schema.String)
}) {
  readonly code = "RUNTIME_COMMAND_FAILED"
  readonly category = "program"
  readonly isRetryable = false
  override get message(): string {
    const said = this.lastLines.length === 0 ? "" : ` It said: ${this.lastLines.join(" | ")}`
    return `${this.program} failed: ${this.how}.${said}`
  }
}

/** The host itself refused or could not be reached. */
export class HostFailed extends Schema.TaggedError<HostFailed>()("HostFailed", {
  action: Schema.String,
  detail: Schema.String,
  isRetryable: Schema.Boolean
}) {
  readonly code = "RUNTIME_HOST_FAILED"
  readonly category = "host"
  override get message(): string {
    return `The host could not ${this.action}: ${this.detail}.`
  }
}

/** The host does not answer. Its servers may well be running. */
export class HostUnreachable extends Schema.TaggedError<HostUnreachable>()("HostUnreachable", {
  host: Schema.String,
  action: Schema.String,
  detail: Schema.String
}) {
  readonly code = "RUNTIME_HOST_UNREACHABLE"
  readonly category = "host"
  readonly isRetryable = true
  override get message(): string {
    return `The host ${this.host} does not answer (asked to ${this.action}: ${this.detail}). Its databases may still be running; see that it is up and can be reached.`
  }
}

/** The image is not on the host and could not be fetched. */
export class ImageMissing extends Schema.TaggedError<ImageMissing>()("ImageMissing", {
  image: Schema.String,
  detail: Schema.String,
  isRetryable: Schema.Boolean
}) {
  readonly code = "RUNTIME_IMAGE_MISSING"
  readonly category = "program"
  override get message(): string {
    return `The image ${this.image} is not on the host and could not be fetched: ${this.detail}. Put it there (docker pull, docker load), or choose another version.`
  }
}

/** Data that was kept does not fit the server that should take it over, or is not there. */
export class KeptDataUnfit extends Schema.TaggedError<KeptDataUnfit>()("KeptDataUnfit", {
  kept: Schema.String,
  problem: Schema.String
}) {
  readonly code = "RUNTIME_KEPT_DATA_UNFIT"
  readonly category = "server"
  readonly isRetryable = false
  override get message(): string {
    return `The data kept of ${this.kept} cannot be used: ${this.problem}.`
  }
}

export const RuntimeErrorReason = Schema.Union([
  ProgramMissing,
  NotSupported,
  PortTaken,
  DiskFull,
  NotOurs,
  ServerEnded,
  ServerMissing,
  CommandFailed,
  HostFailed,
  HostUnreachable,
  ImageMissing,
  KeptDataUnfit
])
export type RuntimeErrorReason = typeof RuntimeErrorReason.Type

export class RuntimeError extends Schema.TaggedError<RuntimeError>()("RuntimeError", { reason: RuntimeErrorReason }) {
  override readonly cause = this.reason
  override get message(): string {
    return this.reason.message
  }
  get code(): string {
    return this.reason.code
  }
  /** Whose concern it is: `program`, `port`, `disk`, `host` or `server`. */
  get category(): RuntimeErrorReason["category"] {
    return this.reason.category
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

export const fail = (reason: RuntimeErrorReason): RuntimeError => new RuntimeError({ reason })
