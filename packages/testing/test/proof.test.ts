/** A deployment that cannot be proved is no deployment: servers that break a promise are found out and removed. */
import type { Administration, Host, Runtime } from "@berth/engines"
import { Berth } from "@berth/sdk"
import { memory } from "@berth/testing"
import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import { rejection, shop, temporaryFolder } from "./support/fixtures.ts"

/** A memory host whose runtime is changed before Berth gets it. */
const altered = (change: (runtime: Runtime) => Partial<Runtime>) => {
  const inner = memory()
  const host: Host = {
    ...inner,
    open: (options) => Effect.map(inner.open(options), (runtime) => ({ ...runtime, ...change(runtime) }))
  }
  return { host, servers: inner.servers }
}

const administered = (change: (inner: Administration) => Partial<Administration>) =>
  altered((runtime) => ({
    administration: (engine) => {
      const inner = runtime.administration(engine)
      return { ...inner, ...change(inner) }
    }
  }))

describe("a deployment", () => {
  it.each([
    ["lets everybody in", administered(() => ({ ping: () => Effect.void })), /let the app's user in with a/],
    [
      "keeps its data somewhere else",
      altered(() => ({ dataFolder: () => Effect.succeed("/on/the/volume") })),
      /keeps its data in \/memory\/.*should be in \/on\/the\/volume/
    ]
  ])("of a server that %s fails, and nothing of it stays", async (_, { host, servers }, message) => {
    await using berth = await Berth.open({ dataDir: temporaryFolder(), host })
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    const error = await rejection(berth.databases.deploy(id))
    assert.strictEqual(error.code, "PROOF_FAILED")
    assert.strictEqual(error.category, "proof")
    assert.match(error.message, message)
    assert.deepEqual(servers(), [])
    assert.strictEqual((await rejection(berth.credentials.get(id))).code, "NOT_DEPLOYED")
  })
})
