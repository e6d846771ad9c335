/** What a database does from its creation to its end, on any runtime: the same suite for memory and for real servers. */
import { Berth, type OpenOptions } from "@berth/sdk"
import { failAt, faults, slow } from "@berth/testing"
import { assert, describe, it, onTestFinished } from "vitest"
import { collect, eventually, rejection, shop, stepsOf, temporaryFolder } from "./fixtures.ts"
import type { Place } from "./place.ts"
import { runVerb } from "./verbs.ts"

const deploySteps = ["prepare", "create", "start", "users", "proof"]

/** Everything that a suite needs to set up a database, and to leave nothing behind. */
const grounds = (makePlace: () => Place) => {
  interface Ground {
    readonly place: Place
    readonly dataDir: string
    readonly opened: Array<Berth>
  }

  /** Hooks run last in, first out: everything is closed, then deleted, and the folder goes last. */
  const newGround = (): Ground => {
    const ground: Ground = { dataDir: temporaryFolder(), place: makePlace(), opened: [] }
    onTestFinished(async () => {
      for (const berth of ground.opened) await berth.close()
      await using cleaner = await Berth.open({ dataDir: ground.dataDir, host: ground.place.host })
      for (const { id } of await cleaner.databases.list()) await cleaner.databases.delete(id)
      assert.deepEqual(await ground.place.leftovers(ground.dataDir), [])
    })
    return ground
  }

  const setUp = async (options: OpenOptions = {}, ground = newGround()) => {
    const berth = await Berth.open({
      dataDir: ground.dataDir,
      host: ground.place.host,
      lookEvery: "100 millis",
      ...options
    })
    ground.opened.push(berth)
    return { ...ground, ground, berth }
  }

  const withOrders = async (options?: OpenOptions) => {
    const at = await setUp(options)
    const within = await shop(at.berth)
    const orders = await at.berth.databases.create({ ...within, name: "orders", ...at.place.database })
    return { ...at, orders }
  }

  const deployed = async (options?: OpenOptions) => {
    const at = await withOrders(options)
    const deployment = await at.berth.databases.deploy(at.orders.id, { initiator: "ada", commit: "4f2c1e9" })
    const { internal } = await at.berth.credentials.get(at.orders.id)
    return { ...at, deployment, internal }
  }

  return { deployed, setUp, withOrders }
}

/** What every database does, whatever its engine and wherever it runs. */
export const lifecycle = (name: string, makePlace: () => Place): void => {
  describe(`a database on ${name}`, () => {
    const { deployed, withOrders } = grounds(makePlace)

    it("is only recorded by create: nothing runs and there are no credentials", async () => {
      const { berth, dataDir, orders, place } = await withOrders()
      const overview = await berth.databases.overview(orders.id)
      assert.strictEqual(overview.status, "created")
      assert.isUndefined(overview.internal)
      assert.strictEqual((await rejection(berth.credentials.get(orders.id))).code, "NOT_DEPLOYED")
      assert.deepEqual(await place.leftovers(dataDir), [])
    })

    it("runs after deploy, with an app user that writes and reads", async () => {
      const { berth, internal, orders, place } = await deployed()
      assert.strictEqual((await berth.databases.overview(orders.id)).status, "running")
      assert.match(internal.password, /^[A-Za-z0-9]{32}$/)
      const app = await place.connect(internal, orders.id)
      await app.write("a", "1")
      assert.strictEqual(await app.read("a"), "1")
      await app.close()
    })

    it("refuses a wrong and an empty password, and an unknown user", async () => {
      const { internal, orders, place } = await deployed()
      await rejection(place.connect({ ...internal, password: "wrong" }, orders.id))
      await rejection(place.connect({ ...internal, password: "" }, orders.id))
      await rejection(place.connect({ ...internal, username: "somebody" }, orders.id))
    })

    it("keeps who deployed it, for which commit, and when each step began and ended", async () => {
      const { berth, deployment, orders } = await deployed()
      const [kept] = await berth.deployments.list({ database: orders.id })
      assert.deepEqual(kept, await berth.deployments.get(deployment.id))
      assert.strictEqual(kept?.initiator, "ada")
      assert.strictEqual(kept?.commit, "4f2c1e9")
      assert.strictEqual(kept?.status, "succeeded")
      assert.deepEqual(
        kept?.timeline.map(({ step }) => step),
        deploySteps
      )
      for (const { startedAt, endedAt } of kept?.timeline ?? []) assert.isAtLeast(Number(endedAt), Number(startedAt))
    })

    it("is deployed once: a second deploy is refused with the reason", async () => {
      const { berth, orders } = await deployed()
      const error = await rejection(berth.databases.deploy(orders.id))
      assert.strictEqual(error.code, "ACTION_NOT_ALLOWED")
      assert.match(error.message, /deployed already/)
    })

    it("gets one deployment and one server when twenty ask at once, and the rest are told so", async () => {
      const { berth, dataDir, orders, place } = await withOrders()
      const asked = await Promise.allSettled(Array.from({ length: 20 }, () => berth.databases.deploy(orders.id)))
      const refused = asked.flatMap((one) => (one.status === "rejected" ? [one.reason] : []))
      assert.lengthOf(refused, 19)
      for (const error of refused) assert.include(["OPERATION_IN_PROGRESS", "ACTION_NOT_ALLOWED"], error.code)
      assert.lengthOf(await berth.deployments.list({ database: orders.id }), 1)
      assert.lengthOf(
        (await place.leftovers(dataDir)).filter((line) => line.includes(orders.id) && !/^(process|volume) /.test(line)),
        1
      )
    })

    it("keeps its data and its address over restart, and over stop and start", async () => {
      const { berth, internal, orders, place } = await deployed()
      const app = await place.connect(internal, orders.id)
      await app.write("a", "1")
      await app.close()
      await berth.databases.restart(orders.id)
      const again = await place.connect(internal, orders.id)
      assert.strictEqual(await again.read("a"), "1")
      await again.close()
      await berth.databases.stop(orders.id)
      assert.strictEqual((await berth.databases.overview(orders.id)).status, "stopped")
      await rejection(place.connect(internal, orders.id))
      await berth.databases.start(orders.id)
      const last = await place.connect(internal, orders.id)
      assert.strictEqual(await last.read("a"), "1")
      await last.close()
      assert.deepEqual((await berth.credentials.get(orders.id)).internal, internal)
    })

    it("says which verbs it takes, and refuses exactly the others with the same reason", async () => {
      const { berth, orders } = await withOrders()
      const check = async () => {
        for (const { allowed, reason, verb } of await berth.databases.actions(orders.id)) {
          if (allowed) continue
          const error = await rejection(runVerb(berth, verb, orders.id))
          assert.strictEqual(error.reason, reason)
        }
        const allowed = (await berth.databases.actions(orders.id)).filter((action) => action.allowed)
        return allowed.map(({ verb }) => verb)
      }
      assert.deepEqual(await check(), ["deploy", "delete"])
      await berth.databases.deploy(orders.id)
      assert.deepEqual(await check(), ["restart", "stop", "delete"])
      await berth.databases.stop(orders.id)
      assert.deepEqual(await check(), ["start", "delete"])
    })

    it("leaves nothing behind when it is deleted", async () => {
      const { berth, dataDir, orders, place } = await deployed()
      await berth.databases.delete(orders.id)
      assert.deepEqual(await place.leftovers(dataDir), [])
      assert.deepEqual(await berth.databases.list(), [])
      assert.strictEqual((await rejection(berth.databases.get(orders.id))).code, "DATABASE_NOT_FOUND")
      assert.deepEqual(await berth.deployments.list({ database: orders.id }), [])
    })

    it("is seen as crashed within five seconds when its server was killed, and starts again", async () => {
      const { berth, dataDir, internal, orders, place } = await deployed()
      await place.kill(dataDir, orders.id)
      const summary = await eventually(
        "the status crashed",
        async () => (await berth.databases.list()).find((one) => one.status === "crashed"),
        5_000
      )
      assert.match(summary?.reason ?? "", /killed by SIGKILL/)
      assert.match((await berth.databases.overview(orders.id)).reason ?? "", /killed by SIGKILL/)
      await berth.databases.start(orders.id)
      assert.strictEqual((await berth.databases.overview(orders.id)).status, "running")
      await (await place.connect(internal, orders.id)).close()
    })

    it("is seen as missing within five seconds when its server was removed", async () => {
      const { berth, dataDir, orders, place } = await deployed()
      await place.vanish(dataDir, orders.id)
      await eventually(
        "the status missing",
        async () => (await berth.databases.list()).some((one) => one.status === "missing"),
        5_000
      )
      assert.match((await berth.databases.overview(orders.id)).reason ?? "", /removed without Berth/)
      await berth.databases.delete(orders.id)
      assert.deepEqual(await place.leftovers(dataDir), [])
    })
  })
}

/** What operations do on any runtime: fail, be cancelled, go on, be watched. */
export const operations = (name: string, makePlace: () => Place): void => {
  describe(`operations on ${name}`, () => {
    const { deployed, setUp, withOrders } = grounds(makePlace)

    it.each(deploySteps)("is undone when its deployment fails at %s, and can be deployed again", async (step) => {
      const { berth, dataDir, ground, orders, place } = await withOrders({ faults: faults(failAt(`deploy.${step}`)) })
      const error = await rejection(berth.databases.deploy(orders.id))
      assert.strictEqual(error.code, "FAULT_PLANNED")
      assert.deepEqual(await place.leftovers(dataDir), [])
      const overview = await berth.databases.overview(orders.id)
      assert.strictEqual(overview.status, "failed")
      assert.match(overview.reason ?? "", /fault plan/)
      await berth.close()
      const again = await setUp({}, ground)
      assert.strictEqual((await again.berth.databases.deploy(orders.id)).status, "succeeded")
    })

    it.each(["prepare", "create", "users"])("is undone when its deployment is cancelled at %s", async (step) => {
      const { berth, dataDir, orders, place } = await withOrders({ faults: faults(slow(step, "1 hour")) })
      const operation = await berth.databases.deploy(orders.id, { wait: false })
      await eventually(`the step ${step}`, async () =>
        (await berth.deployments.list({ database: orders.id }))[0]?.timeline.some((entry) => entry.step === step)
      )
      assert.strictEqual((await berth.databases.overview(orders.id)).status, "deploying")
      assert.strictEqual((await berth.operations.cancel(operation)).status, "cancelled")
      assert.deepEqual(await place.leftovers(dataDir), [])
      assert.strictEqual((await berth.databases.overview(orders.id)).status, "created")
    })

    it("comes back up when its restart is cancelled", async () => {
      const { berth, internal, orders, place } = await deployed({ faults: faults(slow("restart.start", "1 hour")) })
      const operation = await berth.databases.restart(orders.id, { wait: false })
      await eventually("the step start", async () => {
        const lines: Array<string> = []
        for await (const line of berth.operations.watch(operation)) {
          lines.push(line.text)
          if (line.step === "start") return true
        }
        return false
      })
      await berth.operations.cancel(operation)
      assert.strictEqual((await berth.databases.overview(orders.id)).status, "running")
      await eventually("a connection", () =>
        place.connect(internal, orders.id).then(
          (app) => app.close().then(() => true),
          () => false
        )
      )
    })

    it("goes on with an operation that was running when Berth was closed", async () => {
      const { berth, ground, orders } = await withOrders({ faults: faults(slow("deploy.start", "300 millis")) })
      const operation = await berth.databases.deploy(orders.id, { wait: false })
      await berth.close()
      const again = await setUp({}, ground)
      const lines = await collect(again.berth.operations.watch(operation))
      assert.strictEqual(lines.at(-1)?.text, "succeeded")
      assert.strictEqual((await again.berth.databases.overview(orders.id)).status, "running")
    })

    it("tells a watcher that joins late everything from the first line on", async () => {
      const { berth, deployment } = await deployed()
      const lines = await collect(berth.operations.watch(deployment.operation))
      assert.deepEqual(stepsOf(lines), deploySteps)
      assert.deepEqual(
        lines.map(({ seq }) => seq),
        lines.map((_, index) => index + 1)
      )
    })

    it("streams its log: the last lines, those since a moment, and new ones as they come", async () => {
      const { berth, internal, orders, place } = await deployed()
      const all = await collect(berth.databases.logs(orders.id))
      assert.isAbove(all.length, 3)
      assert.deepEqual(await collect(berth.databases.logs(orders.id, { tail: 2 })), all.slice(-2))
      const since = all.at(-1)?.at ?? new Date()
      const newer = await collect(berth.databases.logs(orders.id, { since }))
      assert.isTrue(newer.length > 0 && newer.every((line) => line.at >= since))
      const followed = (async () => {
        for await (const line of berth.databases.logs(orders.id, { follow: true, tail: 0 })) return line
      })()
      await eventually("a line", async () => {
        await (await place.connect(internal, orders.id)).close()
        return Promise.race([followed.then(() => true), new Promise((resolve) => setTimeout(resolve, 100, false))])
      })
      assert.isAtLeast(Number((await followed)?.at), Number(since))
    })

    it("tells subscribers what happens to it", async () => {
      const { berth, dataDir, orders, place } = await withOrders()
      const seen: Array<string> = []
      const following = (async () => {
        for await (const event of berth.events.subscribe()) {
          seen.push(
            event.type === "operation"
              ? `${event.verb} ${event.status}`
              : event.type === "status"
                ? event.status
                : event.type
          )
          if (event.type === "status") return
        }
      })()
      await new Promise((resolve) => setTimeout(resolve, 50))
      await berth.databases.deploy(orders.id)
      await eventually("a look at the running server", async () =>
        (await berth.databases.list()).some((one) => one.status === "running")
      )
      await new Promise((resolve) => setTimeout(resolve, 300))
      await place.kill(dataDir, orders.id)
      await following
      assert.deepEqual(seen, ["deploy queued", "deploy running", "deploy succeeded", "crashed"])
    })
  })
}
