/** The process is killed at every step of every verb; the next one finishes the work or undoes it. */
import { Berth, type NoWait, type Verb } from "@berth/sdk"
import { assert, describe, it, onTestFinished } from "vitest"
import { collect, eventually, shop, stepsOf, temporaryFolder } from "./support/fixtures.ts"
import { localPlace } from "./support/localPlace.ts"
import { runProgram } from "./support/process.ts"
import { runVerb } from "./support/verbs.ts"

/** The verb that is killed, and the one that brings a database to where it can begin. */
const walks: ReadonlyArray<{ readonly verb: Verb; readonly prepare: ReadonlyArray<Verb>; readonly status: string }> = [
  { verb: "deploy", prepare: [], status: "running" },
  { verb: "restart", prepare: ["deploy"], status: "running" },
  { verb: "stop", prepare: ["deploy"], status: "stopped" },
  { verb: "start", prepare: ["deploy", "stop"], status: "running" },
  { verb: "delete", prepare: ["deploy"], status: "deleted" }
]

describe("a process that is killed with SIGKILL", () => {
  it.each(walks)(
    "at any step of $verb leaves work that the next one finishes",
    { timeout: 300_000 },
    async ({ prepare, status, verb }) => {
      const place = localPlace()
      const dataDir = temporaryFolder()
      const open = () => Berth.open({ dataDir, host: place.host })
      onTestFinished(async () => {
        await using berth = await open()
        for (const { id } of await berth.databases.list()) await berth.databases.delete(id)
      })
      const within = await open().then(async (berth) => {
        const within = await shop(berth)
        await berth.close()
        return within
      })
      let number = 0

      const newDatabase = async (berth: Berth) => {
        const { id } = await berth.databases.create({ ...within, name: `orders-${++number}`, engine: "postgres" })
        for (const each of prepare) await runVerb(berth, each, id)
        return id
      }

      /** Kills a process at the given moment, and returns what the next one makes of it. */
      const afterKill = async (crash: string) => {
        const id = await open().then(async (berth) => {
          const id = await newDatabase(berth)
          await berth.close()
          return id
        })
        const { output, signal } = await runProgram("child.ts", [dataDir, id, verb, crash])
        assert.strictEqual(signal, "SIGKILL", output)
        await using berth = await open()
        const operation = await eventually(`the end of ${verb}, killed ${crash}`, async () =>
          (await berth.operations.list({ database: id })).find((one) => one.verb === verb && one.endedAt !== undefined)
        )
        assert.strictEqual(operation?.status, "succeeded", `${crash}: ${operation?.failure?.message}`)
        if (operation === undefined) return
        const lines = await collect(berth.operations.watch(operation.id))
        assert.strictEqual(lines.at(-1)?.text, "succeeded")
        const found = (await berth.databases.list()).find((one) => one.id === id)
        assert.strictEqual(found === undefined ? "deleted" : (await berth.databases.overview(id)).status, status, crash)
        if (status === "running") {
          const app = await place.connect((await berth.credentials.get(id)).internal, id)
          await app.write("a", crash)
          await app.close()
        }
        if (found !== undefined) await berth.databases.delete(id)
        assert.deepEqual(await place.leftovers(dataDir), [], crash)
        assert.deepEqual(await berth.databases.list(), [], crash)
      }

      const steps = await open().then(async (berth) => {
        const id = await newDatabase(berth)
        const operation = await (berth.databases[verb] as (id: string, options: NoWait) => Promise<string>)(id, {
          wait: false
        })
        const steps = stepsOf(await collect(berth.operations.watch(operation)))
        if (verb !== "delete") await berth.databases.delete(id)
        await berth.close()
        return steps
      })
      assert.isNotEmpty(steps)
      for (const step of steps) {
        await afterKill(`before:${step}`)
        await afterKill(`after:${step}`)
      }
    }
  )

  it("at any moment of deploy, in the middle of a step too, leaves nothing half done", {
    timeout: 120_000
  }, async () => {
    const place = localPlace()
    const dataDir = temporaryFolder()
    const open = () => Berth.open({ dataDir, host: place.host })
    const within = await open().then(async (berth) => {
      const within = await shop(berth)
      await berth.close()
      return within
    })
    for (const millis of [0, 10, 25, 40, 60, 80, 100, 130, 160, 200, 250]) {
      const id = await open().then(async (berth) => {
        const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
        await berth.close()
        return id
      })
      await runProgram("child.ts", [dataDir, id, "deploy", "none"], { killAfterOpen: millis })
      await using berth = await open()
      const [operation] = await berth.operations.list({ database: id })
      if (operation !== undefined) await collect(berth.operations.watch(operation.id))
      const { status } = await berth.databases.overview(id)
      assert.strictEqual(status, operation === undefined ? "created" : "running", `killed after ${millis} ms`)
      await berth.databases.delete(id)
      assert.deepEqual(await place.leftovers(dataDir), [])
    }
  })
})
