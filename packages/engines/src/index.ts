/** What a database is (`Engine`) and where it runs (`Runtime`, `Host`). The runtimes have entry points of their own. */
export type * from "./Administration.ts"
export type {
  Endpoint,
  EngineVersion,
  Login,
  Naming,
  ServerInput,
  ServerPlan,
  UrlParts
} from "./Engine.ts"
export * as Engine from "./Engine.ts"
export * from "./EngineError.ts"
export type * from "./ProgramPlan.ts"
export { postgres } from "./postgres/postgres.ts"
export type * from "./Runtime.ts"
export {
  CommandFailed,
  DiskFull,
  HostFailed,
  NotOurs,
  NotSupported,
  PortTaken,
  ProgramMissing,
  RuntimeError,
  type RuntimeErrorReason,
  ServerEnded,
  ServerMissing
} from "./RuntimeError.ts"
export { type EndpointUrl, endpointUrl } from "./url.ts"
