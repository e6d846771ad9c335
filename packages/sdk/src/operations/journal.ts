/**
 * The journal of operations: Effect's workflow engine on its cluster, in one process, over the store. Nothing of it is
 * read from the environment, whose `PORT` and `HOST` belong to the embedder.
 */
import { Effect, Layer } from "effect"
import {
  type ClusterError,
  ClusterWorkflowEngine,
  MessageStorage,
  RunnerHealth,
  RunnerStorage,
  Runners,
  Sharding,
  ShardingConfig,
  Snowflake,
  SqlMessageStorage
} from "effect/cluster"
import type { Digest } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import type { WorkflowEngine } from "effect/workflow"
import { patience } from "../store/patience.ts"

/** Every look into the journal names all shards; more of them would only be of use to more processes. */
const shardsPerGroup = 16

const isPersistenceError = (error: unknown): error is ClusterError.PersistenceError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "PersistenceError"

/** A step whose result could not be written waits: given up, it would be taken up again minutes later. */
const patient = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(effect, { schedule: patience, while: isPersistenceError })

const tables = { prefix: "berth_journal" }

const storage = Layer.effect(
  MessageStorage.MessageStorage,
  Effect.gen(function* () {
    const inner = yield* SqlMessageStorage.makeEncodedStorage(tables)
    return yield* MessageStorage.makeEncoded({
      ...inner,
      saveEnvelope: (options) => patient(inner.saveEnvelope(options)),
      saveReply: (reply) => patient(inner.saveReply(reply)),
      clearReplies: (id, options) => patient(inner.clearReplies(id, options)),
      unprocessedMessages: (shards, now, options) => patient(inner.unprocessedMessages(shards, now, options))
    })
  })
).pipe(Layer.provide(Snowflake.layerGenerator), Layer.provide(SqlMessageStorage.layerMigrations(tables)))

export const layer: Layer.Layer<WorkflowEngine.WorkflowEngine, never, SqlClient.SqlClient | Digest.Digest> =
  ClusterWorkflowEngine.layer.pipe(
    Layer.provide(Sharding.layer),
    Layer.provide(Runners.layerNoop),
    Layer.provideMerge(storage),
    Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
    Layer.provide(ShardingConfig.layer({ shardsPerGroup }))
  )
