/** The program itself, started and ended by a test. */
import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { eventually } from "./net.ts"

export interface Program {
  readonly process: ChildProcess
  /** Everything it has printed so far. */
  readonly output: () => string
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  readonly config: string
}

const main = join(import.meta.dirname, "../../src/bin/main.ts")

const started = (args: ReadonlyArray<string>, command: ReadonlyArray<string>, config: string): Program => {
  const [program = process.execPath, ...first] = command
  const child = spawn(program, [...first, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => {
      output += bytes
    })
  }
  const ended = new Promise<number | string>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "?"))
  )
  return { process: child, output: () => output, ended, config }
}

/** From the sources, which needs no build. */
export const fromSource = [process.execPath, "--conditions=@berth/source", main]

/** Runs the program with these arguments; it is killed with the scope, and so is whoever took its place. */
export const run = (
  args: ReadonlyArray<string>,
  command: ReadonlyArray<string> = fromSource
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => started(args, command, "")),
    (program) => Effect.sync(() => program.process.kill("SIGKILL"))
  )

/** Serves a configuration and waits until it does. */
export const serve = (
  path: string,
  config: object,
  command: ReadonlyArray<string> = fromSource
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.gen(function* () {
    const file = join(path, "gateway.json")
    writeFileSync(file, JSON.stringify({ listen: "127.0.0.1", drain: "5 seconds", ...config }))
    const program = yield* Effect.acquireRelease(
      Effect.sync(() => started(["--config", file], command, file)),
      (running) =>
        Effect.sync(() => {
          running.process.kill("SIGKILL")
          // A process that took over is no child of this test; it is known by the line it prints.
          for (const [, pid] of running.output().matchAll(/"message":"serving".*?"pid":(\d+)/g)) {
            try {
              process.kill(Number(pid), "SIGKILL")
            } catch {
              // It has ended by itself.
            }
          }
        })
    )
    yield* eventually(() => {
      if (program.process.exitCode !== null) throw new Error(program.output())
      return program.output().includes('"message":"serving"')
    })
    return program
  })
