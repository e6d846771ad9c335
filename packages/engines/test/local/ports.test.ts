import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { freePort, requireFree } from "../../src/local/ports.ts"

const loopback = "127.0.0.1"
const all = new Set(Array.from({ length: 65_536 }, (_, port) => port))

const listening = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer().listen(0, loopback, () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ port, close: () => server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

describe("ports of this machine", () => {
  it.live("are none of those that servers have, and there is an error when only such are left", () =>
    Effect.gen(function* () {
      const port = yield* freePort(loopback, new Set())
      assert.isFalse(new Set([port]).has(yield* freePort(loopback, new Set([port]))))
      const error = yield* Effect.flip(freePort(loopback, all))
      assert.strictEqual(error.code, "RUNTIME_HOST_FAILED")
    })
  )

  it.live("that somebody listens on are told apart from free ones", () =>
    Effect.gen(function* () {
      const { port } = yield* listening
      const error = yield* Effect.flip(requireFree("db_1", loopback, port))
      assert.strictEqual(error.code, "RUNTIME_PORT_TAKEN")
      yield* requireFree("db_1", loopback, yield* freePort(loopback, new Set([port])))
    }).pipe(Effect.scoped)
  )
})
