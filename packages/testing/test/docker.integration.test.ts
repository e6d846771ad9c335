/** What the SDK does with a Docker host besides the life of a database. */
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Berth } from "@berth/sdk"
import { afterAll, assert, describe, it, onTestFinished } from "vitest"
import { answers, cleanUp, dockerPlace, hasImage } from "./support/dockerPlace.ts"
import { eventually, rejection, shop, temporaryFolder } from "./support/fixtures.ts"

const image = "postgres:18"
const reason = answers ? ((await hasImage(image)) ? undefined : `no image ${image}`) : "no Docker Engine answers"
const required = process.env.BERTH_REQUIRE?.split(",").includes("docker") === true

afterAll(async () => {
  if (answers) await cleanUp()
})

const setUp = async () => {
  const place = dockerPlace({ engine: "postgres" })()
  const dataDir = temporaryFolder()
  const berth = await Berth.open({ dataDir, host: place.host, probeEvery: "200 millis" })
  onTestFinished(async () => {
    for (const { id } of await berth.databases.list()) await berth.databases.delete(id)
    await berth.close()
  })
  const within = await shop(berth)
  const create = (name: string, more: object = {}) =>
    berth.databases.create({ ...within, name, engine: "postgres", ...more })
  return { berth, create, dataDir, place }
}

describe.skipIf(reason !== undefined && !required)(`a Docker host${reason === undefined ? "" : ` (${reason})`}`, () => {
  it("shows the image, what the server uses, and how its health checks go", async () => {
    const { berth, create } = await setUp()
    const { id } = await create("orders", { limits: { cpus: 0.5, memoryBytes: 512 * 1024 * 1024 } })
    await berth.databases.deploy(id)
    await eventually("a health check", async () => (await berth.databases.overview(id)).health)
    const { health, image: found, vitals } = await berth.databases.overview(id)
    assert.strictEqual(found?.reference, image)
    assert.match(found?.digest ?? "", /^sha256:/)
    assert.strictEqual(vitals?.restarts, 0)
    assert.strictEqual(vitals?.memory?.limitBytes, 512 * 1024 * 1024)
    assert.isAbove(vitals?.disk?.usedBytes ?? 0, 1024 * 1024)
    assert.strictEqual(health?.ok, true)
    assert.strictEqual((await berth.credentials.get(id)).internal.host, "orders")
  })

  it("tells who connected and who was refused", async () => {
    const { berth, create, place } = await setUp()
    const { id } = await create("orders")
    await berth.databases.deploy(id)
    const { internal } = await berth.credentials.get(id)
    await (await place.connect(internal, id)).close()
    await rejection(place.connect({ ...internal, password: "wrong" }, id))
    const { connections, probes } = await eventually("the refusal", async () => {
      const activity = await berth.databases.activity(id)
      const isRefused = activity.connections.some((one) => one.what === "refused" && one.username === internal.username)
      return isRefused && activity.probes.length > 0 ? activity : undefined
    }).then((found) => found ?? { connections: [], probes: [] })
    assert.isTrue(connections.some((one) => one.what === "authenticated" && one.username === internal.username))
    assert.isTrue(probes.every(({ milliseconds }) => milliseconds >= 0))
    assert.lengthOf((await berth.databases.activity(id, { limit: 1 })).connections, 1)
  })

  it("keeps the data of a deleted database when asked, and gives it to a new one of another name", async () => {
    const { berth, create, place } = await setUp()
    const { id } = await create("orders")
    await berth.databases.deploy(id)
    const first = await place.connect((await berth.credentials.get(id)).internal, id)
    await first.write("a", "1")
    await first.close()
    await berth.databases.delete(id, { keepData: true })
    const [kept] = await berth.hosts.kept()
    assert.strictEqual(kept?.id, id)
    const later = await create("purchases", { adopts: id })
    await berth.databases.deploy(later.id)
    const second = await place.connect((await berth.credentials.get(later.id)).internal, later.id)
    assert.strictEqual(await second.read("a"), "1")
    await second.close()
    assert.deepEqual(await berth.hosts.kept(), [])
    await berth.databases.delete(later.id, { keepData: true })
    await berth.hosts.purge(later.id)
    assert.deepEqual(await berth.hosts.kept(), [])
  })

  it("says when there is no such data, and what fits it not", async () => {
    const { berth, create } = await setUp()
    const { id } = await create("orders", { adopts: "db_nothing" })
    const error = await rejection(berth.databases.deploy(id))
    assert.strictEqual(error.code, "RUNTIME_KEPT_DATA_UNFIT")
  })

  it("gives advice with numbers, and shows and removes what belongs to nobody", async () => {
    const { berth, create, dataDir, place } = await setUp()
    const check = await berth.hosts.check({ engine: "postgres" })
    assert.sameMembers(
      check.resources.map(({ what }) => what),
      ["cpu", "memory", "disk"]
    )
    for (const { reason } of check.resources) assert.match(reason, /\d/)
    const { id } = await create("orders")
    await berth.databases.deploy(id)
    const before = await berth.hosts.leftovers()
    assert.isFalse(before.some(({ name }) => name.includes(id)))
    // The store forgets the database, as one that was put back from an older copy would.
    const store = new DatabaseSync(join(dataDir, "store.sqlite"))
    for (const table of ["deployments", "credentials", "databases"]) store.exec(`DELETE FROM ${table}`)
    store.close()
    const found = (await berth.hosts.leftovers()).filter(({ name }) => name.includes(id))
    assert.isNotEmpty(found)
    await berth.hosts.clean(found)
    assert.deepEqual(
      (await berth.hosts.leftovers()).filter(({ name }) => name.includes(id)),
      []
    )
    assert.deepEqual(await place.leftovers(dataDir), [])
  })
})

describe("a host that keeps nothing", () => {
  it("refuses to delete with keepData before anything is removed", async () => {
    const { memory } = await import("@berth/testing")
    await using berth = await Berth.open({ dataDir: temporaryFolder(), host: memory() })
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    await berth.databases.deploy(id)
    const error = await rejection(berth.databases.delete(id, { keepData: true }))
    assert.strictEqual(error.code, "INVALID_INPUT")
    assert.strictEqual(error.field, "keepData")
    assert.strictEqual((await berth.databases.overview(id)).status, "running")
    assert.strictEqual((await rejection(berth.hosts.kept())).code, "RUNTIME_NOT_SUPPORTED")
  })
})
