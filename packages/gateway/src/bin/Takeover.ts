/**
 * A new version takes the place of a running one without a refused connection: on SIGUSR2 the running gateway starts the
 * program that now lies in its place, hands it the listening sockets themselves (so that what waits in their queues is
 * accepted by whoever is first), and when the new one serves, stops accepting and lives on for its live sessions alone.
 */
import { spawn } from "node:child_process"
import type { Server } from "node:net"
import { Effect, Schema } from "effect"
import type { Handle } from "../plane/userspace/wire/Handle.ts"
import { isSingleFile } from "../singleFile.ts"

const marker = "BERTH_GATEWAY_TAKEOVER"
/** Milliseconds that the new process has to come up. */
const patience = 30_000

export class TakeoverFailed extends Schema.TaggedError<TakeoverFailed>("@berth/gateway/TakeoverFailed")(
  "TakeoverFailed",
  { code: Schema.Literal("TAKEOVER_FAILED"), message: Schema.String }
) {
  static readonly of = (why: string): TakeoverFailed =>
    new TakeoverFailed({
      code: "TAKEOVER_FAILED",
      message: `the new process did not take over (${why}); this one goes on`
    })
}

interface Given {
  readonly door?: string
  readonly complete?: boolean
}

const isGiven = (message: unknown): message is Given => typeof message === "object" && message !== null

/** Whether this process was started to take over. */
export const isSuccessor = (): boolean => process.env[marker] === "1" && process.send !== undefined

/** What the predecessor hands over, by name. */
export const receive: Effect.Effect<Map<string, Handle>, TakeoverFailed> = Effect.callback<
  Map<string, Handle>,
  TakeoverFailed
>((resume) => {
  const doors = new Map<string, Handle>()
  // Node hands over the bare handle it was sent; its own type for it is `unknown`.
  const onMessage = (message: unknown, handle: unknown) => {
    if (!isGiven(message)) return
    if (message.door !== undefined) doors.set(message.door, handle as Handle)
    if (message.complete !== true) return
    process.off("message", onMessage)
    resume(Effect.succeed(doors))
  }
  process.on("message", onMessage)
  process.send?.({ waiting: true })
}).pipe(
  Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(TakeoverFailed.of("nothing was handed over")) })
)

/** Tells the predecessor that it may stop accepting. */
export const announce: Effect.Effect<void> = Effect.sync(() => {
  process.send?.({ serving: true })
  process.disconnect?.()
})

/** Starts the successor and hands it the doors; done when it serves. */
export const handOver = (doors: ReadonlyArray<readonly [string, Handle]>): Effect.Effect<number, TakeoverFailed> =>
  Effect.callback<number, TakeoverFailed>((resume) => {
    const args = isSingleFile() ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)]
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      detached: true,
      env: { ...process.env, [marker]: "1" }
    })
    child.once("error", (error) => resume(Effect.fail(TakeoverFailed.of(error.message))))
    child.once("exit", (code, signal) => resume(Effect.fail(TakeoverFailed.of(`it ended with ${signal ?? code}`))))
    child.on("message", (message: object) => {
      if ("waiting" in message) {
        // A bare handle is something that can be sent, but not in the public type.
        for (const [door, handle] of doors) child.send({ door }, handle as unknown as Server)
        child.send({ complete: true })
      }
      if (!("serving" in message)) return
      child.unref()
      resume(Effect.succeed(child.pid ?? 0))
    })
    return Effect.sync(() => void child.kill())
  }).pipe(
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(TakeoverFailed.of("it took too long")) })
  )
