/** The services as an embedder with Effect uses them, on a clock that the test moves. */

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Apps, Credentials, Databases, Environments, layer, Operations } from "@berth/sdk"
import { faults, memory, slow } from "@berth/testing"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "berth-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

const create = Effect.gen(function* () {
  yield* (yield* Apps).create({ name: "shop" })
  const within = { app: "shop", environment: "production" }
  yield* (yield* Environments).create({ app: "shop", name: "production" })
  return yield* (yield* Databases).create({ ...within, name: "orders", engine: "postgres" })
})

describe("Berth as Effect services", () => {
  it.effect("deploys a database on a clock that stands still, with secrets redacted", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporary
      yield* Effect.gen(function* () {
        const { id } = yield* create
        const { status } = yield* (yield* Databases).deploy(id)
        assert.strictEqual(status, "succeeded")
        const { internal } = yield* (yield* Credentials).get(id)
        assert.strictEqual(String(internal.password), "<redacted>")
        assert.match(Redacted.value(internal.uri), /^postgresql:\/\/app_orders:/)
      }).pipe(Effect.provide(layer({ dataDir, hosts: [memory()] })))
    })
  )

  it.effect("lets a test move the time of a slow step", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporary
      const slowly = layer({ dataDir, hosts: [memory()], faults: faults(slow("deploy.start", "1 hour")) })
      yield* Effect.gen(function* () {
        const { id } = yield* create
        const before = yield* Clock.currentTimeMillis
        const databases = yield* Databases
        const operations = yield* Operations
        const operation = yield* databases.ask("deploy", id)
        yield* operations.watch(operation).pipe(
          Stream.takeUntil((line) => line.step === "start"),
          Stream.runDrain
        )
        const ended = yield* Effect.forkChild(operations.succeeded(operation), { startImmediately: true })
        yield* TestClock.adjust("1 hour")
        const { endedAt } = yield* Fiber.join(ended)
        assert.isAtLeast(Number(endedAt), before + 3_600_000)
      }).pipe(Effect.provide(slowly))
    })
  )

  it.effect("fails with errors that are told apart by their tag", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporary
      yield* Effect.gen(function* () {
        const databases = yield* Databases
        const found = yield* databases.get("db_x").pipe(
          Effect.map(() => "found"),
          Effect.catchTag("DatabaseNotFound", (error) => Effect.succeed(error.database))
        )
        assert.strictEqual(found, "db_x")
      }).pipe(Effect.provide(layer({ dataDir, hosts: [memory()] })))
    })
  )
})
