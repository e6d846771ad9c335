/** What a person asks of a host: whether it has room, what it keeps, and what lies on it that belongs to nobody. */
import {
  type Host,
  type HostCheck,
  type Kept,
  type Leftover,
  NotSupported,
  type Runtime,
  RuntimeError
} from "@berth/engines"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DatabaseStore } from "../databases/DatabaseStore.ts"
import { Engines } from "../databases/Engines.ts"
import { decoder, type InvalidInput } from "../schema/InvalidInput.ts"
import { Limits } from "../schema/Limits.ts"
import { inStore, type StoreFailed } from "../store/StoreError.ts"
import { Hosts, type HostUnknown } from "./hosts.ts"

/** A plan is asked for what its server needs, and no server is made of it. */
const nobody = { username: "nobody", password: Redacted.make(""), database: "nothing" }

/** What a new database is expected to write: enough for the engine's own files and a beginning. */
const defaultDiskBytes = 1024 ** 3
const defaultMemoryBytes = 256 * 1024 ** 2
const defaultCpus = 0.25

export const CheckHost = Schema.Struct({
  /** Default: the host that new environments are put on. */
  host: Schema.optionalKey(Schema.String),
  /** Id of the engine that is to be deployed. */
  engine: Schema.String,
  version: Schema.optionalKey(Schema.String),
  limits: Schema.optionalKey(Limits)
})

const decodeCheck = decoder(CheckHost, { "": '{ engine: "postgres" }', engine: "postgres", version: "18" })

export interface HostSummary {
  readonly name: string
  readonly kind: Host["kind"]
  /** New environments are put here. */
  readonly isDefault: boolean
}

/** A host is named; without a name the default one is meant. */
export interface HostRef {
  readonly host?: string
}

const unsupported = (runtime: Runtime, what: string) =>
  new RuntimeError({
    reason: new NotSupported({ what, runtime: runtime.kind, next: "Hosts of the kind docker can do this." })
  })

type CareError = HostUnknown | RuntimeError

export class HostCare extends Context.Service<
  HostCare,
  {
    readonly list: Effect.Effect<ReadonlyArray<HostSummary>>
    /** Advice before a deployment: processors, memory and disk with numbers and a reason each. Nothing asks it but you. */
    readonly check: (input: typeof CheckHost.Encoded) => Effect.Effect<HostCheck, CareError | InvalidInput>
    /** Data of databases that were deleted with `keepData`. */
    readonly kept: (ref?: HostRef) => Effect.Effect<ReadonlyArray<Kept>, CareError>
    /** Removes kept data for good. */
    readonly purge: (kept: string, ref?: HostRef) => Effect.Effect<void, CareError>
    /** Containers, volumes, networks and templates that carry our label and belong to nobody. Changes nothing. */
    readonly leftovers: (ref?: HostRef) => Effect.Effect<ReadonlyArray<Leftover>, CareError | StoreFailed>
    /** Removes what `leftovers` has shown, passing over what has come into use since. Answers with what it was given. */
    readonly clean: (
      leftovers: ReadonlyArray<Leftover>,
      ref?: HostRef
    ) => Effect.Effect<ReadonlyArray<Leftover>, CareError>
  }
>()("@berth/sdk/HostCare") {
  static readonly layer: Layer.Layer<HostCare, never, DatabaseStore | Engines | Hosts | SqlClient.SqlClient> =
    Layer.effect(
      HostCare,
      Effect.gen(function* () {
        const databases = yield* DatabaseStore
        const engines = yield* Engines
        const hosts = yield* Hosts
        const sql = yield* SqlClient.SqlClient

        const runtimeOf = (ref: HostRef) => hosts.runtime(ref.host ?? hosts.defaultHost)

        const keeping = (ref: HostRef) =>
          runtimeOf(ref).pipe(
            Effect.flatMap((runtime) =>
              runtime.kept === undefined
                ? Effect.fail(unsupported(runtime, "Keeping the data of deleted databases"))
                : Effect.succeed(runtime.kept)
            )
          )

        const cleaning = (ref: HostRef) =>
          runtimeOf(ref).pipe(
            Effect.flatMap((runtime) =>
              runtime.leftovers === undefined
                ? Effect.fail(unsupported(runtime, "Looking for what belongs to nobody"))
                : Effect.succeed(runtime.leftovers)
            )
          )

        return HostCare.of({
          list: Effect.sync(() =>
            [...hosts.all].map(([name, { kind }]) => ({ name, kind, isDefault: name === hosts.defaultHost }))
          ),
          check: Effect.fn("HostCare.check")(function* (input) {
            const { host, limits, ...chosen } = yield* decodeCheck(input)
            const { engine, version } = yield* engines.choose(chosen.engine, chosen.version)
            const runtime = yield* runtimeOf(host === undefined ? {} : { host })
            if (runtime.check === undefined) return yield* unsupported(runtime, "Checking the resources of a host")
            const { container } = engine.server({ version, admin: nobody, ...(limits === undefined ? {} : { limits }) })
            return yield* runtime.check({
              cpus: limits?.cpus ?? defaultCpus,
              memoryBytes: limits?.memoryBytes ?? container?.memoryBytes ?? defaultMemoryBytes,
              diskBytes: defaultDiskBytes
            })
          }),
          kept: (ref = {}) => Effect.flatMap(keeping(ref), (kept) => kept.list),
          purge: (id, ref = {}) => Effect.flatMap(keeping(ref), (kept) => kept.purge(id)),
          leftovers: Effect.fn("HostCare.leftovers")(function* (ref = {}) {
            const leftovers = yield* cleaning(ref)
            const host = ref.host ?? hosts.defaultHost
            const known = (yield* databases.list({})).filter((database) => database.host === host)
            const environments = yield* inStore(
              sql<{ readonly id: string }>`SELECT id FROM environments WHERE host = ${host}`
            )
            return yield* leftovers.find({
              servers: new Set(known.map(({ id }) => id)),
              networks: new Set(environments.map(({ id }) => id)),
              engines: engines.all
            })
          }),
          clean: (found, ref = {}) =>
            Effect.flatMap(cleaning(ref), (leftovers) => leftovers.remove(found)).pipe(Effect.as(found))
        })
      })
    )
}
