import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { folder } from "./support/certificates.ts"
import { dial, echo, freePort, listen, readSome } from "./support/net.ts"
import { run, serve } from "./support/program.ts"

const root = join(import.meta.dirname, "..")
const able = Number(process.versions.node.split(".")[0]) >= 26
const group = able ? "the single executable" : "the single executable (skipped: this Node cannot build one)"

describe.skipIf(!able)(group, () => {
  it.live("says its version and carries bytes, with workers, without anything beside it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const binary = join(path, "berth-gateway")
      const built = spawnSync(process.execPath, [join(root, "scripts/build-binary.ts"), binary], { cwd: root })
      assert.strictEqual(built.status, 0, String(built.stderr))
      const version = yield* run(["--version"], [binary])
      assert.strictEqual(yield* Effect.promise(() => version.ended), 0)
      assert.match(version.output(), /berth-gateway v\d/)
      const target = yield* listen(echo)
      const port = yield* freePort
      const routes = [{ id: "orders.redis", port, target: `127.0.0.1:${target.port}` }]
      yield* serve(path, { workers: 2, routes }, [binary])
      const client = yield* dial(port)
      client.write("hello")
      assert.strictEqual(String(yield* Effect.promise(() => readSome(client, 5))), "hello")
    })
  )
})
