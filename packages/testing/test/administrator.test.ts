/** The administrator's password, which no caller ever sees, seen here through the runtime that it is handed to. */
import type { Host, ServerSpec } from "@berth/engines"
import { Berth } from "@berth/sdk"
import { failAt, faults, memory } from "@berth/testing"
import { Effect, Redacted } from "effect"
import { assert, describe, it } from "vitest"
import { collect, rejection, shop, temporaryFolder } from "./support/fixtures.ts"

/** A host that remembers what it was told of servers. */
const listening = () => {
  const specs: Array<ServerSpec> = []
  const inner = memory()
  const host: Host = {
    ...inner,
    open: (options) =>
      Effect.map(inner.open(options), (runtime) => ({
        ...runtime,
        create: (spec, progress) =>
          Effect.andThen(
            Effect.sync(() => specs.push(spec)),
            runtime.create(spec, progress)
          )
      }))
  }
  return { host, specs }
}

describe("the administrator's password", () => {
  it("is another one than the app's, and nothing that Berth says holds it", async () => {
    const { host, specs } = listening()
    await using berth = await Berth.open({ dataDir: temporaryFolder(), host, faults: faults(failAt("restart.start")) })
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    const deployment = await berth.databases.deploy(id)
    const error = await rejection(berth.databases.restart(id))
    const [spec] = specs
    assert.isDefined(spec)
    const secret = spec === undefined ? "" : Redacted.value(spec.admin.password)
    assert.match(secret, /^[A-Za-z0-9]{32}$/)
    const { internal } = await berth.credentials.get(id)
    assert.notStrictEqual(internal.password, secret)
    const told = [
      internal,
      await berth.databases.overview(id),
      await collect(berth.operations.watch(deployment.operation)),
      await collect(berth.databases.logs(id)),
      await berth.operations.list(),
      { ...error, message: error.message }
    ]
    assert.notInclude(JSON.stringify(told), secret)
    assert.notInclude(JSON.stringify(spec), secret)
  })
})
