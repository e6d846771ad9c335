/** Runs one program to its end. */
import { spawn } from "node:child_process"
import { Duration, Effect, Redacted } from "effect"
import type { Command } from "../ProgramPlan.ts"
import { CommandFailed, DiskFull, fail, HostFailed, type RuntimeError } from "../RuntimeError.ts"
import type { ServerUser } from "./ServerUser.ts"

/** Enough of what a program said to see why it failed. */
const keptBytes = 64 * 1024
const keptLines = 8
const limit = Duration.minutes(5)

/** Nothing of this process's environment but what programs need to find others and to speak English. */
export const plainEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  ...(process.env.TMPDIR === undefined ? {} : { TMPDIR: process.env.TMPDIR }),
  LC_ALL: "C",
  TZ: "UTC"
})

export const lastLines = (text: string): ReadonlyArray<string> =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-keptLines)

const failure = (command: Command, how: string, output: string): RuntimeError =>
  /No space left on device/i.test(output)
    ? fail(new DiskFull({ folder: /"([^"]*)": No space left/.exec(output)?.[1] ?? "the server's folder" }))
    : fail(new CommandFailed({ program: command.program, how, lastLines: lastLines(output) }))

/** Fails with what the program said when it ends with anything but 0; ends the program when interrupted. */
export const run = (command: Command, user: ServerUser, cwd: string): Effect.Effect<void, RuntimeError> =>
  Effect.callback<void, RuntimeError>((resume) => {
    const child = spawn(command.program, [...command.args], {
      cwd,
      env: plainEnvironment(),
      stdio: ["pipe", "pipe", "pipe"],
      ...user.ids
    })
    let output = ""
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-keptBytes)
    }
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    child.stdin.on("error", () => {})
    child.stdin.end(command.stdin === undefined ? "" : Redacted.value(command.stdin))
    child.once("error", (cause) => {
      const detail = `${command.program}: ${cause.message}`
      resume(Effect.fail(fail(new HostFailed({ action: "run a program", detail, isRetryable: false }))))
    })
    child.once("close", (code, signal) => {
      const how = signal === null ? `it ended with ${code}` : `it was ended by ${signal}`
      resume(code === 0 ? Effect.void : Effect.fail(failure(command, how, output)))
    })
    return Effect.callback<void>((ended) => {
      child.once("close", () => ended(Effect.void))
      child.kill("SIGKILL")
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.fail(failure(command, `it did not end within ${Duration.format(limit)}`, ""))
    })
  )
