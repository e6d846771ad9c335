/** What is particular to servers that are processes of this machine. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { local } from "@berth/engines/local"
import { Berth, type OpenOptions } from "@berth/sdk"
import pg from "pg"
import { assert, describe, it, onTestFinished } from "vitest"
import { rejection, shop, temporaryFolder } from "./support/fixtures.ts"
import { localPlace, pidOf } from "./support/localPlace.ts"

const setUp = async (options: OpenOptions = {}, folder = temporaryFolder()) => {
  const place = localPlace()
  const dataDir = options.dataDir ?? folder
  const berth = await Berth.open({ host: place.host, ...options, dataDir })
  onTestFinished(async () => {
    await berth.close()
    await using cleaner = await Berth.open({ host: place.host, ...options, dataDir })
    for (const { id } of await cleaner.databases.list()) await cleaner.databases.delete(id)
  })
  const within = await shop(berth)
  const create = (name = "orders", version?: string) =>
    berth.databases.create({ ...within, name, engine: "postgres", ...(version === undefined ? {} : { version }) })
  return { berth, create, dataDir, place, within, serversIn: join(dataDir, "hosts", "local", "servers") }
}

const isRoot = process.getuid?.() === 0
const installed15 = existsSync("/usr/lib/postgresql/15/bin/postgres")

describe("a server on local", () => {
  it("is adopted by the next process, with the same process id and port", async () => {
    const at = await setUp()
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    const { internal } = await at.berth.credentials.get(id)
    const pid = pidOf(at.dataDir, id)
    await at.berth.close()
    await using again = await Berth.open({ dataDir: at.dataDir, host: at.place.host })
    const overview = await again.databases.overview(id)
    assert.strictEqual(overview.status, "running")
    assert.deepEqual(overview.internal, internal)
    assert.strictEqual(pidOf(at.dataDir, id), pid)
    await again.databases.stop(id)
    await rejection(at.place.connect(internal, id))
  })

  it("is not taken for another process that has been given its number", async () => {
    const at = await setUp()
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    await at.berth.databases.stop(id)
    const identity = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
    writeFileSync(join(at.serversIn, id, "pid"), `${process.pid} ${identity}-1`)
    assert.strictEqual((await at.berth.databases.overview(id)).status, "stopped")
    await at.berth.databases.start(id)
    assert.notStrictEqual(pidOf(at.dataDir, id), process.pid)
    assert.strictEqual((await at.berth.databases.overview(id)).status, "running")
  })

  it("listens on loopback and opens no socket file", async () => {
    const at = await setUp()
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    const { internal } = await at.berth.credentials.get(id)
    const client = new pg.Client({ connectionString: internal.uri })
    await client.connect()
    const show = async (name: string) => (await client.query(`SHOW ${name}`)).rows[0][name]
    assert.strictEqual(await show("listen_addresses"), "127.0.0.1")
    assert.strictEqual(await show("unix_socket_directories").catch(() => ""), "")
    await client.end()
  })

  it("gives its app no more than its own database", async () => {
    const at = await setUp()
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    const { internal } = await at.berth.credentials.get(id)
    const client = new pg.Client({ connectionString: internal.uri })
    await client.connect()
    for (const statement of [
      "CREATE ROLE intruder",
      "CREATE DATABASE other",
      "ALTER ROLE berth_admin PASSWORD 'x'",
      "COPY (SELECT 1) TO PROGRAM 'id'",
      "SELECT pg_read_file('/etc/passwd')",
      "SELECT * FROM pg_authid",
      "ALTER SYSTEM SET log_connections = off",
      "DROP DATABASE template1"
    ]) {
      assert.match((await rejection(client.query(statement))).message, /permission denied|must be/, statement)
    }
    await client.query("CREATE SCHEMA mine; CREATE TABLE mine.notes (a int); DROP SCHEMA mine CASCADE")
    await client.end()
  })

  it("keeps its port: one that another program took meanwhile is named, and nothing is changed", async () => {
    const at = await setUp()
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    const { internal } = await at.berth.credentials.get(id)
    await at.berth.databases.stop(id)
    const other = createServer().listen(internal.port, internal.host)
    await new Promise((resolve) => other.once("listening", resolve))
    const error = await rejection(at.berth.databases.start(id))
    assert.strictEqual(error.code, "RUNTIME_PORT_TAKEN")
    assert.include(error.message, String(internal.port))
    assert.strictEqual((await at.berth.databases.overview(id)).status, "stopped")
    await new Promise((resolve) => other.close(resolve))
    await at.berth.databases.start(id)
    await (await at.place.connect(internal, id)).close()
  })

  it("whose removal was cut in the middle is removed by the next process, and is no trouble to the others", async () => {
    const at = await setUp()
    const first = await at.create("first")
    const second = await at.create("second")
    for (const { id } of [first, second]) await at.berth.databases.deploy(id)
    await at.berth.databases.stop(first.id)
    await at.berth.close()
    renameSync(join(at.serversIn, first.id), join(at.serversIn, `.removing-${first.id}.0badcafe`))
    await using again = await Berth.open({ dataDir: at.dataDir, host: at.place.host })
    assert.deepEqual(readdirSync(at.serversIn), [second.id])
    assert.strictEqual((await again.databases.overview(second.id)).status, "running")
    await again.databases.delete(first.id)
  })

  it("starts again whatever the app has done to its own database", async () => {
    const at = await setUp()
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    const client = new pg.Client({ connectionString: (await at.berth.credentials.get(id)).internal.uri })
    await client.connect()
    await client.query("DROP SCHEMA public; ALTER DATABASE orders SET default_transaction_read_only = on")
    await client.end()
    await at.berth.databases.restart(id)
    assert.strictEqual((await at.berth.databases.overview(id)).status, "running")
  })

  it("does not touch a folder that stands where its own should be", async () => {
    const at = await setUp()
    const { id } = await at.create()
    const foreign = join(at.serversIn, id)
    mkdirSync(foreign, { recursive: true })
    writeFileSync(join(foreign, "letter.txt"), "dear")
    const error = await rejection(at.berth.databases.deploy(id))
    assert.strictEqual(error.code, "RUNTIME_NOT_OURS")
    assert.strictEqual(readFileSync(join(foreign, "letter.txt"), "utf8"), "dear")
    rmSync(foreign, { recursive: true })
    assert.strictEqual((await at.berth.databases.deploy(id)).status, "succeeded")
  })

  it("is never copied from a template that was left half-made", async () => {
    const templates = temporaryFolder()
    const at = await setUp({ host: local({ templates }) })
    const first = await at.create("first")
    await at.berth.databases.deploy(first.id)
    const [name = ""] = readdirSync(templates)
    await at.berth.close()
    for (const made of readdirSync(templates)) rmSync(join(templates, made), { recursive: true })
    const half = join(templates, `${name}.0badcafe.half`)
    mkdirSync(join(half, "data"), { recursive: true })
    writeFileSync(join(half, "data", "PG_VERSION"), "18\n")
    const anHourAgo = Date.now() / 1000 - 3_600
    utimesSync(half, anHourAgo, anHourAgo)
    await using again = await Berth.open({ dataDir: at.dataDir, host: local({ templates }) })
    assert.isFalse(existsSync(half))
    const second = await again.databases.create({ ...at.within, name: "second", engine: "postgres" })
    assert.strictEqual((await again.databases.deploy(second.id)).status, "succeeded")
  })

  it("of a version that is not on this machine says where it was looked for", async () => {
    const at = await setUp()
    const missing = installed15 ? "16" : "15"
    const { id } = await at.create("orders", missing)
    const error = await rejection(at.berth.databases.deploy(id))
    assert.strictEqual(error.code, "RUNTIME_PROGRAM_MISSING")
    assert.include(error.message, `/usr/lib/postgresql/${missing}/bin`)
    assert.strictEqual((await at.berth.databases.overview(id)).status, "failed")
  })
})

describe.skipIf(!installed15)(`Postgres 15${installed15 ? "" : " (not installed on this machine)"}`, () => {
  it("is run with the programs that a distribution installed", async () => {
    const at = await setUp()
    const { id } = await at.create("orders", "15")
    await at.berth.databases.deploy(id)
    const { internal } = await at.berth.credentials.get(id)
    const client = new pg.Client({ connectionString: internal.uri })
    await client.connect()
    assert.match((await client.query("SHOW server_version")).rows[0].server_version, /^15\./)
    await client.end()
  })
})

describe.skipIf(!isRoot)(`a Berth that root runs${isRoot ? "" : " (these tests do not run as root)"}`, () => {
  it("runs servers as an unprivileged user", async () => {
    const at = await setUp()
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    assert.notStrictEqual(statSync(`/proc/${pidOf(at.dataDir, id)}`).uid, 0)
  })

  it("keeps servers elsewhere while that user cannot reach the data directory, and cleans up there", async () => {
    const closed = temporaryFolder()
    const dataDir = join(closed, "berth")
    chmodSync(closed, 0o700)
    const at = await setUp({ dataDir, host: local() })
    const { id } = await at.create()
    await at.berth.databases.deploy(id)
    const away = realpathSync(join(dataDir, "hosts", "local"))
    assert.notInclude(away, closed)
    await (await at.place.connect((await at.berth.credentials.get(id)).internal, id)).close()
    await at.berth.databases.delete(id)
    await at.berth.close()
    assert.isFalse(existsSync(away))
  })

  it("finds its servers again when the data directory was moved", async () => {
    const closed = temporaryFolder()
    const [before, after] = [join(closed, "before"), join(closed, "after")]
    chmodSync(closed, 0o700)
    const berth = await Berth.open({ dataDir: before, host: local() })
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    await berth.databases.deploy(id)
    await berth.close()
    renameSync(before, after)
    await using again = await Berth.open({ dataDir: after, host: local() })
    assert.strictEqual((await again.databases.overview(id)).status, "running")
    await again.databases.delete(id)
  })

  it("says so when a folder above its servers was closed to their user", async () => {
    const folder = temporaryFolder()
    const dataDir = join(folder, "berth")
    await (await Berth.open({ dataDir, host: local() })).close()
    chmodSync(folder, 0o700)
    const error = await rejection(Berth.open({ dataDir, host: local() }))
    assert.match(error.message, /has been closed to their user/)
  })
})
