/** Runs a program of the tests in a process of its own. */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

export interface RunOptions {
  /** Kills the process this many milliseconds after it printed that it has opened Berth. */
  readonly killAfterOpen?: number
}

/** `program` is a file beside this one. Answers when the process has ended, which it does within a minute. */
export const runProgram = (program: string, args: ReadonlyArray<string>, options: RunOptions = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const file = fileURLToPath(new URL(program, import.meta.url))
    const child = spawn(
      process.execPath,
      ["--conditions=@berth/source", "--disable-warning=ExperimentalWarning", file, ...args],
      {
        timeout: 60_000,
        stdio: ["ignore", "pipe", "pipe"]
      }
    )
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk))
    child.stdout.once("data", () => {
      if (options.killAfterOpen !== undefined) setTimeout(() => child.kill("SIGKILL"), options.killAfterOpen)
    })
    child.once("close", (code, signal) => resolve({ code, signal, output }))
  })
