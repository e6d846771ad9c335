/** Database hosting as a library: `Berth` for promises, the services and `layer` for Effect. */
export * from "./apps/apps.ts"
export { Berth, BerthClosed, type NoWait, type OpenOptions } from "./berth/berth.ts"
export { layer, type OpenError, type Options, type Services } from "./berth/layer.ts"
export type { Plain } from "./berth/plain.ts"
export * from "./credentials/credentials.ts"
export { NotDeployed } from "./credentials/NotDeployed.ts"
export { type Action, ActionNotAllowed } from "./databases/actions.ts"
export { type Activity, ActivityOf, type ActivityOptions } from "./databases/activity.ts"
export {
  type Database,
  DatabaseExists,
  DatabaseNotFound,
  type DatabaseStatus,
  type Phase
} from "./databases/Database.ts"
export * from "./databases/databases.ts"
export * from "./deployments/deployments.ts"
export * from "./environments/environments.ts"
export * from "./events/events.ts"
export { type CheckHost, HostCare, type HostRef, type HostSummary } from "./hosts/hostCare.ts"
export { Hosts, HostUnknown } from "./hosts/hosts.ts"
export { Faults, type StepPoint } from "./operations/Faults.ts"
export type {
  Failure,
  FailureCategory,
  Operation,
  OperationLine,
  OperationStatus,
  Verb
} from "./operations/Operation.ts"
export * from "./operations/OperationError.ts"
export { Operations } from "./operations/operations.ts"
export { type Probe, Probes } from "./probes/probes.ts"
export { Reconciler } from "./reconciler/reconciler.ts"
export { InvalidInput } from "./schema/InvalidInput.ts"
export { KeyRing, type Keys, KeysUnreadable } from "./secrets/KeyRing.ts"
export { DataDirInUse, DataDirNotOurs, KeyMismatch, StoreCorrupted, StoreFailed } from "./store/StoreError.ts"
export {
  type AnyOptions,
  type DeleteOptions,
  type DeployOptions,
  type RequestError,
  Requests,
  type VerbOptions
} from "./verbs/requests.ts"
