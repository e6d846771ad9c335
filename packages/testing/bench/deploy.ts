/**
 * What a deployment costs: on `local` against the same by hand, and in memory, where only Berth's own work is left.
 * Prints medians and ratios of one run.
 */
import { execFileSync } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Berth } from "@berth/sdk"
import { memory } from "@berth/testing"
import pg from "pg"
import { byHand } from "./support/byHand.ts"

const rounds = 5
const idle = 10_000

const root = mkdtempSync(join(tmpdir(), "berth-bench-"))
chmodSync(root, 0o711)
let number = 0
const fresh = () => join(root, String(++number))

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const timed = async <A>(run: () => Promise<A>): Promise<readonly [number, A]> => {
  const start = performance.now()
  const result = await run()
  return [performance.now() - start, result]
}

const shop = async (berth: Berth) => {
  await berth.apps.create({ name: "shop" })
  await berth.environments.create({ app: "shop", name: "production" })
  return { app: "shop", environment: "production", engine: "postgres" }
}

/** A first and a later deployment in a fresh data directory, each to its first query. */
const onLocal = async () => {
  await using berth = await Berth.open({ dataDir: fresh() })
  const within = await shop(berth)
  const once = async (name: string) => {
    const { id } = await berth.databases.create({ ...within, name })
    const [millis] = await timed(async () => {
      await berth.databases.deploy(id)
      const { internal } = await berth.credentials.get(id)
      const client = new pg.Client({ connectionString: internal.uri })
      await client.connect()
      await client.query("SELECT 1")
      await client.end()
    })
    return { id, millis }
  }
  const first = await once("first")
  // The first one goes on with a copy of its own while the template is made; one that comes at once waits for that.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const later = await once("later")
  for (const { id } of [first, later]) await berth.databases.delete(id)
  return { first: first.millis, later: later.millis }
}

const local = async () => {
  const hand: Array<number> = []
  const first: Array<number> = []
  const later: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    hand.push(await byHand(fresh()))
    const both = await onLocal()
    first.push(both.first)
    later.push(both.later)
  }
  const base = median(hand)
  console.log(`local, ${rounds} rounds, median milliseconds to the first query (ratio to by hand)`)
  console.log(`  by hand          ${base.toFixed(0)}`)
  console.log(`  first deployment ${median(first).toFixed(0)} (${(median(first) / base).toFixed(2)}; aim at most 1.10)`)
  console.log(`  later deployment ${median(later).toFixed(0)} (${(median(later) / base).toFixed(2)}; aim at most 0.40)`)
}

const heap = () => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1024 / 1024
}

const inMemory = async () => {
  const host = memory()
  const berth = await Berth.open({ dataDir: fresh(), host })
  const within = await shop(berth)
  const create = async (name: string) => (await berth.databases.create({ ...within, name })).id
  const singles: Array<number> = []
  for (let index = 0; index < 300; index++) {
    const id = await create(`single-${index}`)
    singles.push((await timed(() => berth.databases.deploy(id)))[0])
  }
  const ids: Array<string> = []
  for (let index = 0; index < 500; index++) ids.push(await create(`many-${index}`))
  const [together] = await timed(() => Promise.all(ids.map((id) => berth.databases.deploy(id))))
  await berth.close()
  console.log("memory, with the durable store")
  console.log(`  one deployment    ${median(singles.slice(100)).toFixed(1)} ms at the median (aim under 20)`)
  console.log(`  500 at once       ${(together / 1000).toFixed(2)} s (aim under 5)`)
}

/** Rows as a deployment leaves them, written by SQL: what is measured is holding and opening them. */
const manyDatabases = async () => {
  const dataDir = fresh()
  const host = memory()
  const first = await Berth.open({ dataDir, host })
  const within = await shop(first)
  const { id } = await first.databases.create({ ...within, name: "first" })
  await first.databases.deploy(id)
  await first.close()
  const db = new DatabaseSync(join(dataDir, "store.sqlite"))
  const copy = (table: string, columns: string, values: string) =>
    `INSERT INTO ${table} (${columns}) SELECT ${values} FROM ${table}, numbers WHERE ${table === "databases" ? "id" : "database_id"} = '${id}'`
  db.exec("CREATE TEMP TABLE numbers (n INTEGER)")
  const insert = db.prepare("INSERT INTO numbers VALUES (?)")
  db.exec("BEGIN")
  for (let index = 1; index < idle; index++) insert.run(index)
  db.exec(
    copy(
      "databases",
      "id, environment_id, name, engine, version, phase, created_at",
      "'db_' || n, environment_id, 'n' || n, engine, version, phase, created_at"
    )
  )
  db.exec(
    copy(
      "credentials",
      "database_id, role, username, database_name, sealed_password",
      "'db_' || n, role, username, database_name, sealed_password"
    )
  )
  db.exec(
    copy(
      "operations",
      "id, database_id, database_name, verb, initiator, status, created_at, ended_at",
      "'op_' || n, 'db_' || n, 'n' || n, verb, initiator, status, created_at, ended_at"
    )
  )
  db.exec("COMMIT")
  db.close()
  const before = heap()
  const [opening, berth] = await timed(() => Berth.open({ dataDir, host }))
  const listed = await berth.databases.list()
  // Two looks of the reconciler at all of them.
  await new Promise((resolve) => setTimeout(resolve, 4_500))
  const held = heap() - before
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, 10_000))
  const busy = process.cpuUsage(cpu)
  await berth.close()
  console.log(`${listed.length} idle databases`)
  console.log(`  Berth.open        ${opening.toFixed(0)} ms (aim under 500)`)
  console.log(`  memory            ${held.toFixed(0)} MB of heap (aim under 100)`)
  console.log(`  reconciler        ${((busy.user + busy.system) / 100_000).toFixed(1)} % of one core`)
}

const importing = () => {
  const program = `
    const start = performance.now()
    await import("@berth/sdk")
    const millis = performance.now() - start
    const { createRequire } = await import("node:module")
    const drivers = ["pg", "mysql2", "mongodb", "redis", "@clickhouse/client", "dockerode"]
    const loaded = Object.keys(createRequire(import.meta.url).cache)
    console.log(JSON.stringify({
      millis, megabytes: process.memoryUsage().rss / 1048576,
      drivers: drivers.filter((name) => loaded.some((file) => file.includes("/node_modules/" + name + "/")))
    }))`
  const runs = Array.from({ length: 5 }, () =>
    JSON.parse(
      execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
        cwd: import.meta.dirname,
        encoding: "utf8"
      })
    )
  )
  const bare = Number(
    execFileSync(process.execPath, ["--eval", "console.log(process.memoryUsage().rss / 1048576)"], { encoding: "utf8" })
  )
  console.log('import "@berth/sdk" (built)')
  console.log(`  time              ${median(runs.map((run) => run.millis)).toFixed(0)} ms`)
  console.log(
    `  memory            ${(median(runs.map((run) => run.megabytes)) - bare).toFixed(0)} MB above a bare Node`
  )
  console.log(`  drivers loaded    ${runs[0].drivers.length === 0 ? "none" : runs[0].drivers.join(", ")}`)
}

try {
  importing()
  await inMemory()
  await manyDatabases()
  await local()
} finally {
  rmSync(root, { recursive: true, force: true })
}
