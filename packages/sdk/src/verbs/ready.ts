/** Starts a server and waits until it serves. */
import { EngineError, RuntimeError, ServerEnded } from "@berth/engines"
import { Duration, Effect, Schedule } from "effect"
import { type Server, target } from "../databases/Servers.ts"
import { StepFailed } from "../operations/OperationError.ts"

/** A server that starts answers within tens of milliseconds; one that is slow is not asked all the time. */
const pollPace = Schedule.min([Schedule.exponential("5 millis", 1.3), Schedule.spaced("250 millis")])

const notReady = (name: string, limit: Duration.Duration) =>
  new StepFailed({
    failure: {
      step: "start",
      category: "timeout",
      code: "SERVER_NOT_READY",
      message: `"${name}" did not answer within ${Duration.format(limit)}. Its log says why.`
    }
  })

/** A server that is gone will never answer; its own last words say more than the time that ran out. */
const requireRunning = ({ runtime, spec }: Server) =>
  runtime
    .inspect(spec.id)
    .pipe(
      Effect.flatMap((found) =>
        found?.state._tag === "Ended"
          ? Effect.fail(new RuntimeError({ reason: new ServerEnded({ server: spec.name, ...found.state.ending }) }))
          : Effect.void
      )
    )

/** Answers when the administrator can log in. Fails when the server ends or its engine's start time has passed. */
export const startUntilReady = Effect.fnUntraced(function* (server: Server) {
  const { engine, logins, runtime, spec } = server
  yield* runtime.start(spec)
  const admin = yield* target(server, logins.admin)
  const limit = Duration.fromInputUnsafe(engine.startTimeout)
  yield* runtime
    .administration(engine)
    .ping(admin)
    .pipe(
      Effect.tapError((error) => (error.isRetryable ? requireRunning(server) : Effect.void)),
      Effect.retry({ schedule: pollPace, while: (error) => error instanceof EngineError && error.isRetryable }),
      Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail(notReady(spec.name, limit)) })
    )
})
