/** All services of a Berth as one layer. */
import type { Engine, Host, RuntimeError } from "@berth/engines"
import { type Duration, Layer } from "effect"
import { Aead, Digest, SecureRandom } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import { Apps } from "../apps/apps.ts"
import { CredentialStore } from "../credentials/CredentialStore.ts"
import { Credentials } from "../credentials/credentials.ts"
import { ActivityOf } from "../databases/activity.ts"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { Databases } from "../databases/databases.ts"
import { Engines } from "../databases/Engines.ts"
import { Observer } from "../databases/Observer.ts"
import { Servers } from "../databases/Servers.ts"
import { Deployments } from "../deployments/deployments.ts"
import { Environments } from "../environments/environments.ts"
import { Events } from "../events/events.ts"
import { HostCare } from "../hosts/hostCare.ts"
import { Hosts } from "../hosts/hosts.ts"
import { Faults } from "../operations/Faults.ts"
import * as Journal from "../operations/journal.ts"
import { OperationLog } from "../operations/OperationLog.ts"
import { OperationStore } from "../operations/OperationStore.ts"
import { Operations } from "../operations/operations.ts"
import { ProbeEvery, Probes } from "../probes/probes.ts"
import { LookEvery, Reconciler } from "../reconciler/reconciler.ts"
import { KeyRing, type Keys, type KeysUnreadable } from "../secrets/KeyRing.ts"
import { Secrets } from "../secrets/secrets.ts"
import { DataDir, type DataDirError } from "../store/DataDir.ts"
import type { KeyMismatch, StoreCorrupted, StoreFailed } from "../store/StoreError.ts"
import * as Store from "../store/store.ts"
import { Requests } from "../verbs/requests.ts"
import * as RunOperation from "../verbs/runOperation.ts"

export interface Options {
  /** Folder for everything of this Berth; made when it is missing. */
  readonly dataDir: string
  /** The hosts; the first takes new environments. */
  readonly hosts: readonly [Host, ...ReadonlyArray<Host>]
  /** Engines of your own, besides Berth's. */
  readonly engines?: ReadonlyArray<Engine.Engine>
  /** Default: a file in the data directory, made with it. */
  readonly keys?: Keys
  /** Time between two looks at the hosts. Default: 2 seconds. */
  readonly lookEvery?: Duration.Input
  /** Time between two health checks of one database. Default: 30 seconds. */
  readonly probeEvery?: Duration.Input
  /** For tests: what goes wrong in operations. */
  readonly faults?: (typeof Faults)["Service"]
}

export type OpenError = DataDirError | KeyMismatch | KeysUnreadable | RuntimeError | StoreCorrupted | StoreFailed

/** What an embedder calls. */
export type Services =
  | Apps
  | Credentials
  | Databases
  | Deployments
  | Environments
  | Events
  | HostCare
  | Hosts
  | Operations
  | Reconciler
  | Requests

const operations = Layer.effectDiscard(RunOperation.resume).pipe(
  Layer.provideMerge(Requests.layer),
  Layer.provideMerge(RunOperation.layer),
  Layer.provideMerge(Operations.layer),
  Layer.provide(Journal.layer)
)

/** The Web Crypto API, which every supported Node has. */
const crypto = Layer.mergeAll(Aead.layerWebCrypto, Digest.layerWebCrypto).pipe(
  Layer.provideMerge(SecureRandom.layerWebCrypto)
)

const services = Databases.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(ActivityOf.layer, HostCare.layer)),
  Layer.provideMerge(Layer.mergeAll(operations, Deployments.layer)),
  Layer.provideMerge(Layer.mergeAll(Reconciler.layer, Probes.layer, Credentials.layer)),
  Layer.provideMerge(Layer.mergeAll(Environments.layer, Servers.layer, Observer.layer)),
  Layer.provideMerge(OperationStore.layer),
  Layer.provideMerge(Layer.mergeAll(Apps.layer, CredentialStore.layer, DatabaseStore.layer, OperationLog.layer)),
  Layer.provideMerge(Events.layer)
)

export const layer = (options: Options): Layer.Layer<Services, OpenError> => {
  const keys: Layer.Layer<KeyRing, KeysUnreadable | StoreFailed, DataDir> =
    options.keys === undefined ? KeyRing.layerFile : KeyRing.layer(options.keys)
  const state: Layer.Layer<
    Secrets | SqlClient.SqlClient | DataDir | Aead.Aead | Digest.Digest | SecureRandom.SecureRandom,
    DataDirError | KeyMismatch | KeysUnreadable | StoreCorrupted | StoreFailed
  > = Secrets.layer.pipe(
    Layer.provide(keys),
    Layer.provideMerge(Store.layer),
    Layer.provideMerge(crypto),
    Layer.provideMerge(DataDir.layer(options.dataDir))
  )
  return services.pipe(
    Layer.provideMerge(Layer.mergeAll(Engines.layer(options.engines), Hosts.layer(options.hosts))),
    Layer.provide(state),
    Layer.provide(options.lookEvery === undefined ? Layer.empty : Layer.succeed(LookEvery, options.lookEvery)),
    Layer.provide(options.probeEvery === undefined ? Layer.empty : Layer.succeed(ProbeEvery, options.probeEvery)),
    Layer.provide(options.faults === undefined ? Layer.empty : Layer.succeed(Faults, options.faults))
  )
}
