/** What a database is (`Engine`) and where it runs (`Runtime`, `Host`). The runtimes have entry points of their own. */
export type * from "./Administration.ts"
export type * from "./ConnectionEvent.ts"
export { type ContainerPlan, ownFolder } from "./ContainerPlan.ts"
export { clickhouse } from "./clickhouse/clickhouse.ts"
export type {
  Endpoint,
  EngineVersion,
  Limits,
  Login,
  Naming,
  ServerInput,
  ServerPlan,
  UrlParts
} from "./Engine.ts"
export * as Engine from "./Engine.ts"
export * from "./EngineError.ts"
export type { HostCheck, Need, Resource } from "./HostCheck.ts"
export type * from "./KeptData.ts"
export type * from "./Leftovers.ts"
export { mariadb } from "./mariadb/mariadb.ts"
export { mongodb, mongodbReplicaSet } from "./mongodb/mongodb.ts"
export { mysql } from "./mysql/mysql.ts"
export type * from "./ProgramPlan.ts"
export { postgres } from "./postgres/postgres.ts"
export type * from "./Runtime.ts"
export {
  CommandFailed,
  DiskFull,
  HostFailed,
  HostUnreachable,
  ImageMissing,
  KeptDataUnfit,
  NotOurs,
  NotSupported,
  PortTaken,
  ProgramMissing,
  RuntimeError,
  type RuntimeErrorReason,
  ServerEnded,
  ServerMissing
} from "./RuntimeError.ts"
export { redis, valkey } from "./redis/redis.ts"
export { type EndpointUrl, endpointUrl } from "./url.ts"
export type * from "./Vitals.ts"
