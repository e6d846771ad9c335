/** Real Postgres servers as processes of this machine, used through `pg`. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { local } from "@berth/engines/local"
import pg from "pg"
import type { AppSession, Details, Place } from "./place.ts"

/** Initialised once for all suites of this process, and kept for the next run. */
const sharedTemplates = () => {
  const folder = join(tmpdir(), "berth-test-templates")
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  return folder
}

const serversOf = (dataDir: string) => join(dataDir, "hosts", "local", "servers")

export const pidOf = (dataDir: string, id: string): number =>
  Number(readFileSync(join(serversOf(dataDir), id, "pid"), "utf8").split(" ")[0])

/** Processes whose arguments name the folder of servers. */
const processes = (dataDir: string): ReadonlyArray<string> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
        return args.includes(`${serversOf(dataDir)}/`) ? [`process ${pid}: ${args}`] : []
      } catch {
        return []
      }
    })

/** An app that uses `pg`. */
export const connectPostgres = async (details: Details): Promise<AppSession> => {
  const client = new pg.Client({ ...details, user: details.username, connectionTimeoutMillis: 5_000 })
  client.on("error", () => {})
  await client.connect()
  await client.query("CREATE TABLE IF NOT EXISTS notes (key text PRIMARY KEY, value text)")
  return {
    write: async (key, value) => void (await client.query("INSERT INTO notes VALUES ($1, $2)", [key, value])),
    read: async (key) => (await client.query("SELECT value FROM notes WHERE key = $1", [key])).rows[0]?.value,
    close: () => client.end()
  }
}

export const localPlace = (): Place => ({
  host: local({ templates: sharedTemplates() }),
  database: { engine: "postgres" },
  connect: connectPostgres,
  kill: async (dataDir, id) => void process.kill(pidOf(dataDir, id), "SIGKILL"),
  vanish: async (dataDir, id) => {
    process.kill(pidOf(dataDir, id), "SIGKILL")
    await rm(join(serversOf(dataDir), id), { recursive: true, force: true, maxRetries: 10 })
  },
  leftovers: async (dataDir) => [
    ...processes(dataDir),
    ...(existsSync(serversOf(dataDir)) ? readdirSync(serversOf(dataDir)).map((id) => `folder ${id}`) : [])
  ]
})
