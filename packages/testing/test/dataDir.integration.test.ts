/** What Berth makes of the folder that it is given, and of the damage that is done to it. */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Berth, type OpenOptions } from "@berth/sdk"
import { faults, memory, slow } from "@berth/testing"
import { assert, describe, it, onTestFinished } from "vitest"
import { eventually, rejection, shop, temporaryFolder } from "./support/fixtures.ts"
import { localPlace } from "./support/localPlace.ts"
import { runProgram } from "./support/process.ts"

/** Everything in a folder and what it holds, so that a change anywhere shows. */
const snapshot = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return entry.isFile() ? `${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}` : path
    })
    .sort()

/** A closed data directory with one deployed database in memory. */
const filled = async () => {
  const dataDir = temporaryFolder()
  const host = memory()
  const berth = await Berth.open({ dataDir, host })
  const within = await shop(berth)
  const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
  await berth.databases.deploy(id)
  await berth.close()
  return { dataDir, host, id }
}

describe("a data directory", () => {
  it("that holds something else is left as it is", async () => {
    const dataDir = temporaryFolder()
    writeFileSync(join(dataDir, "letter.txt"), "dear")
    const before = snapshot(dataDir)
    const error = await rejection(Berth.open({ dataDir, host: memory() }))
    assert.strictEqual(error.code, "DATA_DIR_NOT_OURS")
    assert.match(error.message, /letter\.txt/)
    assert.deepEqual(snapshot(dataDir), before)
  })

  it("whose first opening was cut short is opened as an empty one", async () => {
    const dataDir = temporaryFolder()
    writeFileSync(join(dataDir, "berth.json.half"), "")
    await using berth = await Berth.open({ dataDir, host: memory() })
    assert.deepEqual(await berth.apps.list(), [])
  })

  it("that is closed answers with an error that says so", async () => {
    const berth = await Berth.open({ dataDir: temporaryFolder(), host: memory() })
    await berth.close()
    assert.strictEqual((await rejection(berth.apps.list())).code, "BERTH_CLOSED")
  })

  it("ends an operation that the journal has as ended and the store does not", async () => {
    const { dataDir, host, id } = await filled()
    const store = new DatabaseSync(join(dataDir, "store.sqlite"))
    store.exec("UPDATE operations SET ended_at = NULL, status = 'running'")
    store.exec("DELETE FROM operation_lines WHERE kind = 'status'")
    store.close()
    await using berth = await Berth.open({ dataDir, host })
    const [operation] = await berth.operations.list({ database: id })
    assert.strictEqual(operation?.status, "succeeded")
    await berth.databases.delete(id)
  })

  it("is open once: a second process is told which one has it, and works after that one was killed", async () => {
    const dataDir = temporaryFolder()
    const berth = await Berth.open({ dataDir, host: memory() })
    const { code, output } = await runProgram("openOnce.ts", [dataDir])
    assert.strictEqual(code, 1)
    assert.match(output, /DATA_DIR_IN_USE/)
    assert.include(output, `process ${process.pid}`)
    await shop(berth)
    await berth.close()
    const killed = await runProgram("openOnce.ts", [dataDir, "hold"], { killAfterOpen: 0 })
    assert.strictEqual(killed.signal, "SIGKILL")
    await using again = await Berth.open({ dataDir, host: memory() })
    assert.lengthOf(await again.apps.list(), 1)
  })

  it("is open once in one process too", async () => {
    const dataDir = temporaryFolder()
    await using berth = await Berth.open({ dataDir, host: memory() })
    assert.strictEqual((await rejection(Berth.open({ dataDir, host: memory() }))).code, "DATA_DIR_IN_USE")
    assert.deepEqual(await berth.apps.list(), [])
  })

  it.each([
    ["is not a store", (file: string) => writeFileSync(file, "this is not a database".repeat(1_000))],
    [
      "was overwritten in the middle",
      (file: string) => {
        const bytes = readFileSync(file)
        bytes.fill(0xa5, 4_096, bytes.length - 4_096)
        writeFileSync(file, bytes)
      }
    ]
  ])("whose store %s is not opened", async (_, damage) => {
    const { dataDir, host } = await filled()
    for (const side of ["store.sqlite-wal", "store.sqlite-shm"]) rmSync(join(dataDir, side), { force: true })
    damage(join(dataDir, "store.sqlite"))
    const before = readFileSync(join(dataDir, "store.sqlite"))
    const error = await rejection(Berth.open({ dataDir, host }))
    assert.strictEqual(error.code, "STORE_CORRUPTED")
    assert.deepEqual(readFileSync(join(dataDir, "store.sqlite")), before)
  })
})

const canMount = process.getuid?.() === 0 && process.platform === "linux"

describe.skipIf(!canMount)(`a full disk${canMount ? "" : " (needs root on Linux, to mount a small one)"}`, () => {
  const megabyte = 1024 * 1024

  /** A Berth on a disk of 50 MB, of which the data of one server takes 39. */
  const onSmallDisk = async (options: OpenOptions = {}) => {
    const disk = temporaryFolder()
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=50m,mode=0711", "tmpfs", disk])
    onTestFinished(() => void execFileSync("umount", [disk]))
    const place = localPlace()
    const dataDir = join(disk, "berth")
    const berth = await Berth.open({ dataDir, host: place.host, ...options })
    onTestFinished(async () => {
      rmSync(ballast, { force: true })
      for (const { id } of await berth.databases.list()) await berth.databases.delete(id)
      await berth.close()
    })
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    const ballast = join(disk, "ballast")
    /** Takes what room there is, to the last byte. */
    const fill = () => {
      for (const size of [megabyte, 4_096]) {
        try {
          for (;;) appendFileSync(ballast, Buffer.alloc(size))
        } catch {
          // Full, which is what was wanted.
        }
      }
    }
    return { ballast, berth, dataDir, fill, id, place, within }
  }

  it("undoes a deployment and says so", async () => {
    const { ballast, berth, dataDir, id, place } = await onSmallDisk()
    writeFileSync(ballast, Buffer.alloc(20 * megabyte))
    const error = await rejection(berth.databases.deploy(id))
    assert.strictEqual(error.code, "RUNTIME_DISK_FULL", error.message)
    assert.strictEqual(error.category, "disk")
    assert.deepEqual(await place.leftovers(dataDir), [])
    assert.strictEqual((await berth.databases.overview(id)).status, "failed")
    rmSync(ballast)
    assert.strictEqual((await berth.databases.deploy(id)).status, "succeeded")
  })

  it("under the store itself is told at once, with nothing half done, and work goes on when there is room", async () => {
    const { ballast, berth, fill, within } = await onSmallDisk()
    fill()
    const names = Array.from({ length: 200 }, (_, index) => `more-${index}`)
    const tried = await Promise.allSettled(
      names.map((name) => berth.databases.create({ ...within, name, engine: "postgres" }))
    )
    const refused = tried.flatMap((one) => (one.status === "rejected" ? [one.reason] : []))
    assert.isNotEmpty(refused)
    for (const error of refused) assert.strictEqual(error.code, "STORE_FAILED")
    assert.match(refused[0].message, /disk is full/)
    assert.lengthOf(await berth.databases.list(), 1 + names.length - refused.length)
    rmSync(ballast)
    await berth.databases.create({ ...within, name: "last", engine: "postgres" })
  })

  it("in the middle of an operation does not leave it without an end once there is room again", async () => {
    const { ballast, berth, dataDir, fill, id, place } = await onSmallDisk({
      faults: faults(slow("deploy.users", "500 millis"))
    })
    const operation = await berth.databases.deploy(id, { wait: false })
    for await (const line of berth.operations.watch(operation)) if (line.step === "users") break
    fill()
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    rmSync(ballast)
    const ended = await eventually(
      "the end",
      async () => {
        const found = await berth.operations.get(operation)
        return found.endedAt === undefined ? undefined : found
      },
      30_000
    )
    const left = await place.leftovers(dataDir)
    if (ended?.status === "succeeded") assert.isNotEmpty(left)
    else assert.deepEqual(left, [])
  })
})

describe("the key ring", () => {
  const other = Buffer.alloc(32, 7).toString("base64")
  const mine = Buffer.alloc(32, 9).toString("base64")

  it("that is another one does not open the store, and the right one still does", async () => {
    const { dataDir, host, id } = await filled()
    const error = await rejection(Berth.open({ dataDir, host, keys: { primary: "k1", keys: { k1: other } } }))
    assert.strictEqual(error.code, "KEY_MISMATCH")
    assert.notInclude(error.message, other)
    await using berth = await Berth.open({ dataDir, host })
    assert.match((await berth.credentials.get(id)).internal.password, /^[A-Za-z0-9]{32}$/)
  })

  it("that is missing is not drawn anew", async () => {
    const { dataDir, host } = await filled()
    rmSync(join(dataDir, "keys.json"))
    assert.strictEqual((await rejection(Berth.open({ dataDir, host }))).code, "KEYS_UNREADABLE")
    assert.isFalse(existsSync(join(dataDir, "keys.json")))
  })

  it.each(["", "{}", '{"primary":"k1","keys":{}}', '{"primary":"k1","keys":{"k1":"short"}}'])(
    "that is damaged (%j) is told so without a word of its content",
    async (text) => {
      const { dataDir, host } = await filled()
      writeFileSync(join(dataDir, "keys.json"), text)
      const error = await rejection(Berth.open({ dataDir, host }))
      assert.strictEqual(error.code, "KEYS_UNREADABLE")
      assert.notInclude(error.message, "short")
    }
  )

  it.each([
    ["a key that is too short", { primary: "k1", keys: { k1: "short" } }],
    ["a primary key that is not there", { primary: "k2", keys: { k1: other } }],
    ["an id with a dot", { primary: "2026.11", keys: { "2026.11": other } }]
  ])("that is passed in with %s is refused", async (_, keys) => {
    const error = await rejection(Berth.open({ dataDir: temporaryFolder(), host: memory(), keys }))
    assert.strictEqual(error.code, "KEYS_UNREADABLE")
    assert.notInclude(error.message, other)
  })

  it("can change: secrets are sealed with the new primary key, and the old one can go", async () => {
    const dataDir = temporaryFolder()
    const host = memory()
    const first = await Berth.open({ dataDir, host, keys: { primary: "old", keys: { old: mine } } })
    const within = await shop(first)
    const { id } = await first.databases.create({ ...within, name: "orders", engine: "postgres" })
    await first.databases.deploy(id)
    const before = await first.credentials.get(id)
    await first.close()
    const second = await Berth.open({ dataDir, host, keys: { primary: "new", keys: { old: mine, new: other } } })
    await second.close()
    await using third = await Berth.open({ dataDir, host, keys: { primary: "new", keys: { new: other } } })
    assert.deepEqual(await third.credentials.get(id), before)
  })
})
