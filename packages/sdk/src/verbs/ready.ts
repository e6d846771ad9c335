/** Waits for a server that was started until it serves, and proves what a deployment promises. */
import { EngineError, RuntimeError, ServerEnded, type Target } from "@berth/engines"
import { Duration, Effect, Redacted, Schedule } from "effect"
import { type Server, target } from "../databases/Servers.ts"
import { StepFailed } from "../operations/OperationError.ts"

/** A server that starts answers within tens of milliseconds; one that is slow is not asked all the time. */
const pollPace = Schedule.min([Schedule.exponential("5 millis", 1.3), Schedule.spaced("250 millis")])

const failed = (step: string, category: "timeout" | "proof", code: string, message: string) =>
  new StepFailed({ failure: { step, category, code, message } })

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
export const ready = Effect.fnUntraced(function* (server: Server) {
  const { engine, logins, runtime, spec } = server
  const admin = yield* target(server, logins.admin)
  const ping = runtime
    .administration(engine)
    .ping(admin)
    .pipe(
      Effect.tapError((error) => (error.isRetryable ? requireRunning(server) : Effect.void)),
      Effect.retry({ schedule: pollPace, while: (error) => error.isRetryable && error instanceof EngineError })
    )
  const limit = Duration.fromInputUnsafe(engine.startTimeout)
  yield* ping.pipe(
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => {
        const message = `"${spec.name}" did not answer within ${Duration.format(limit)}. Its log says why.`
        return Effect.fail(failed("ready", "timeout", "SERVER_NOT_READY", message))
      }
    })
  )
})

const refused = (server: Server, app: Target, what: string) =>
  server.runtime
    .administration(server.engine)
    .ping(app)
    .pipe(
      Effect.matchEffect({
        onSuccess: () =>
          Effect.fail(
            failed(
              "proof",
              "proof",
              "PROOF_FAILED",
              `"${server.spec.name}" let the app's user in with ${what} password.`
            )
          ),
        onFailure: (error) => (error.reason._tag === "LoginRefused" ? Effect.void : Effect.fail(error))
      })
    )

/**
 * The proof of a deployment: the app's user logs in over the network with the stored password and writes, a wrong and
 * an empty password are refused, and the data is where it is meant to be kept.
 */
export const prove = Effect.fnUntraced(function* (server: Server) {
  const { engine, logins, runtime } = server
  const administration = runtime.administration(engine)
  const app = yield* target(server, logins.app)
  yield* Effect.all(
    [
      administration.write(app),
      refused(server, { ...app, password: Redacted.make(`not ${Redacted.value(app.password)}`) }, "a wrong"),
      refused(server, { ...app, password: Redacted.make("") }, "an empty"),
      proveDataFolder(server)
    ],
    { concurrency: "unbounded", discard: true }
  )
})

const proveDataFolder = Effect.fnUntraced(function* (server: Server) {
  const { engine, logins, runtime, spec } = server
  const { dataFolder } = yield* runtime.administration(engine).facts(yield* target(server, logins.admin))
  const meant = yield* runtime.dataFolder(spec.id)
  if (dataFolder === meant) return
  const message = `"${spec.name}" keeps its data in ${dataFolder}, where it would be lost; it should be in ${meant}.`
  return yield* failed("proof", "proof", "PROOF_FAILED", message)
})
