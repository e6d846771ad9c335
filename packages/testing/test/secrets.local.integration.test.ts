/** The real passwords are looked for everywhere that they must not be. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Berth } from "@berth/sdk"
import { failAt, faults } from "@berth/testing"
import { assert, describe, it, onTestFinished } from "vitest"
import { collect, rejection, shop, temporaryFolder } from "./support/fixtures.ts"
import { localPlace, pidOf } from "./support/localPlace.ts"

const filesHolding = (folder: string, secret: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = join(entry.parentPath, entry.name)
    return entry.isFile() && readFileSync(file).includes(secret) ? [file] : []
  })

/** The server's process and its children: what `ps` shows of their arguments, and their environment. */
const processTexts = (pid: number): ReadonlyArray<string> =>
  ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "utf8"))

describe.skipIf(process.platform !== "linux")("a password (looked for in /proc, so on Linux only)", () => {
  it("is in no file but sealed, in no log, no error, no record and no process", async () => {
    const place = localPlace()
    const dataDir = temporaryFolder()
    const berth = await Berth.open({ dataDir, host: place.host, faults: faults(failAt("restart.start")) })
    onTestFinished(async () => {
      for (const { id } of await berth.databases.list()) await berth.databases.delete(id)
      await berth.close()
    })
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    const deployment = await berth.databases.deploy(id)
    const { internal } = await berth.credentials.get(id)
    const app = await place.connect(internal, id)
    await app.write("a", "1")
    await rejection(place.connect({ ...internal, password: `${internal.password}x` }, id))
    await app.close()
    const error = await rejection(berth.databases.restart(id))

    const secret = internal.password
    assert.deepEqual(filesHolding(dataDir, secret), [])
    for (const text of processTexts(pidOf(dataDir, id))) assert.notInclude(text, secret)
    const told = [
      await berth.deployments.get(deployment.id),
      await berth.deployments.logs(deployment.id),
      await berth.operations.list(),
      await collect(berth.operations.watch(deployment.operation)),
      await collect(berth.databases.logs(id)),
      await berth.databases.list(),
      await berth.databases.actions(id),
      { ...error, message: error.message, stack: error.stack }
    ]
    assert.notInclude(JSON.stringify(told), secret)
    // The one place that tells it, so that the search above looks for the right thing.
    assert.include(JSON.stringify(await berth.databases.overview(id)), secret)
  })
})
