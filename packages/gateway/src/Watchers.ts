/** From the callbacks of a plane, where nothing may wait, to streams that control reads when it can. */
import { Effect, PubSub, Stream } from "effect"
import type { Refusal, SessionEnded } from "./client/Connection.ts"

export interface Hooks {
  readonly ended: (session: SessionEnded) => void
  readonly refused: (reason: Refusal, route: string | undefined, address: string) => void
  readonly failed: (session: string, error: unknown) => void
}

/** Events that a slow reader can be behind before it loses the oldest. */
const behind = 4096

export const make = Effect.gen(function* () {
  const sessions = yield* PubSub.sliding<SessionEnded>(behind)
  const refusals = yield* PubSub.sliding<{
    readonly reason: Refusal
    readonly route: string | undefined
    readonly address: string
  }>(behind)
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const hooks: Hooks = {
    ended: (session) => void PubSub.publishUnsafe(sessions, session),
    refused: (reason, route, address) => void PubSub.publishUnsafe(refusals, { reason, route, address }),
    failed: (session, error) =>
      void run(
        Effect.logError("something failed inside the gateway and was contained").pipe(
          Effect.annotateLogs({
            session,
            error: error instanceof Error ? (error.stack ?? error.message) : String(error)
          })
        )
      )
  }
  return { hooks, sessions: Stream.fromPubSub(sessions), refusals: Stream.fromPubSub(refusals) }
})
