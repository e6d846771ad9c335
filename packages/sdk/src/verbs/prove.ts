/** What a deployment promises, proved against the server itself. */
import type { Target } from "@berth/engines"
import { Effect, Redacted } from "effect"
import { type Server, target } from "../databases/Servers.ts"
import { StepFailed } from "../operations/OperationError.ts"

const proofFailed = (message: string) =>
  new StepFailed({ failure: { step: "proof", category: "proof", code: "PROOF_FAILED", message } })

const refused = (server: Server, app: Target, what: string) =>
  server.runtime
    .administration(server.engine)
    .ping(app)
    .pipe(
      Effect.matchEffect({
        onSuccess: () => Effect.fail(proofFailed(`"${server.spec.name}" let the app's user in with ${what} password.`)),
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
  return yield* proofFailed(message)
})
