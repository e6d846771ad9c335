import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { redis } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import Dockerode from "dockerode"
import { Effect, Fiber, Schedule } from "effect"
import * as Fixture from "./fixture.ts"

const hasProgram = (name: string): boolean => {
  try {
    execFileSync("/bin/sh", ["-c", `command -v ${name}`], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const limit = 30_000

/** An engine of the test's own, beside the machine's, so that nobody else's servers end when it does. */
const ownEngine = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-dockerd-"))
    const socketPath = join(folder, "docker.sock")
    const api = new Dockerode({ socketPath })
    let child: ChildProcess | undefined
    // A bridge of its own: without one it would take away the one that the machine's engine has made.
    const bridge = `berth${Fixture.randomText(6)}`
    const ip = (...args: ReadonlyArray<string>) => execFileSync("ip", args, { stdio: "ignore" })
    ip("link", "add", bridge, "type", "bridge")
    ip("addr", "add", "10.208.255.1/24", "dev", bridge)
    ip("link", "set", bridge, "up")
    const start = async () => {
      const options = [
        ...["--host", `unix://${socketPath}`, "--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
        ...["--pidfile", join(folder, "pid"), "--bridge", bridge, "--iptables=false", "--ip6tables=false"],
        "--ip-forward=false"
      ]
      child = spawn("dockerd", options, { stdio: "ignore" })
      for (const until = Date.now() + limit; Date.now() < until; ) {
        if ((await api.ping().catch(() => undefined)) !== undefined) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error("dockerd does not answer")
    }
    const stop = async () => {
      if (child === undefined || child.exitCode !== null) return
      const ended = once(child, "exit")
      child.kill("SIGTERM")
      await ended
    }
    await start()
    const image = await Fixture.engine.getImage("redis:8").get()
    const loading = await api.loadImage(image)
    await new Promise((resolve) => loading.on("end", resolve).resume())
    const clear = async () => {
      // The interfaces of its networks would outlive it.
      for (const { Id } of await api.listContainers({ all: true })) await api.getContainer(Id).remove({ force: true })
      for (const { Id, Driver, Name } of await api.listNetworks()) {
        if (Driver === "bridge" && Name !== "bridge") await api.getNetwork(Id).remove()
      }
    }
    return { url: `unix://${socketPath}`, start, stop, clear, folder, dropBridge: () => ip("link", "del", bridge) }
  }),
  ({ stop, clear, folder, dropBridge }) =>
    Effect.promise(async () => {
      await clear().catch(() => {})
      await stop()
      dropBridge()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    })
)

const isRoot = process.getuid?.() === 0 && process.platform === "linux"
const lacking =
  isRoot && hasProgram("dockerd") && hasProgram("ip") ? [] : ["of an engine to restart: it takes root, dockerd and ip"]

await Fixture.withDocker("an engine that is restarted", ["redis:8", ...lacking], () => {
  it.live(
    "in the middle of a deploy makes it late, brings back what runs and leaves what was stopped",
    () =>
      Effect.gen(function* () {
        const engine = yield* ownEngine
        const { runtime } = yield* Fixture.harbour({ url: engine.url })
        const restart = Effect.promise(async () => {
          await engine.stop()
          await new Promise((resolve) => setTimeout(resolve, 500))
          await engine.start()
        })
        const database = Fixture.database(runtime, redis)
        const { spec } = database
        for (const step of [
          runtime.prepare(spec, Fixture.quiet),
          runtime.create(spec, Fixture.quiet),
          runtime.start(spec)
        ]) {
          const restarting = yield* Effect.forkChild(restart)
          yield* step
          yield* Fiber.join(restarting)
          yield* step
        }
        yield* Fixture.deploy(runtime, database)
        yield* database.administration.write(yield* Fixture.target(runtime, spec, database.app))

        yield* Effect.promise(engine.stop)
        assert.strictEqual((yield* Effect.flip(runtime.inspect(spec.id))).reason._tag, "HostUnreachable")
        yield* Effect.promise(engine.start)
        yield* Fixture.ready(runtime, database)
        yield* database.administration.write(yield* Fixture.target(runtime, spec, database.app))

        yield* runtime.stop(spec)
        yield* restart
        const state = yield* runtime
          .inspect(spec.id)
          .pipe(Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 50 }))
        assert.strictEqual(state?.state._tag, "Stopped")
        yield* runtime.remove(spec.id)
        assert.deepStrictEqual(yield* runtime.list, [])
      }),
    180_000
  )
})
