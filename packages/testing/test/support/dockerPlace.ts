/** Real servers as containers, used through the client library that an app of each engine would use. */
import { randomBytes } from "node:crypto"
import { docker } from "@berth/engines/docker"
import { ClickHouseLogLevel, createClient as createClickHouse } from "@clickhouse/client"
import Dockerode from "dockerode"
import mysql from "mysql2/promise"
import { createClient as createRedis } from "redis"
import { connectPostgres } from "./localPlace.ts"
import type { AppSession, Details, Place } from "./place.ts"

export const engine = new Dockerode()

export const answers = await engine.ping().then(
  () => true,
  () => false
)

export const hasImage = (reference: string): Promise<boolean> =>
  engine
    .getImage(reference)
    .inspect()
    .then(
      () => true,
      () => false
    )

const mysqlApp = async ({ database, host, password, port, username: user }: Details): Promise<AppSession> => {
  const connection = await mysql.createConnection({ host, port, user, password, database })
  await connection.query("CREATE TABLE IF NOT EXISTS notes (name varchar(100) PRIMARY KEY, value varchar(100))")
  return {
    write: async (key, value) => void (await connection.query("INSERT INTO notes VALUES (?, ?)", [key, value])),
    read: async (key) => {
      const [rows] = await connection.query<Array<mysql.RowDataPacket>>("SELECT value FROM notes WHERE name = ?", [key])
      return rows[0]?.value
    },
    close: () => connection.end()
  }
}

const redisApp = async ({ host, password, port, username }: Details): Promise<AppSession> => {
  const client = createRedis({ username, password, socket: { host, port, reconnectStrategy: false } })
  client.on("error", () => {})
  await client.connect()
  // A client with an empty password does not log in at all, so the first command is what is refused.
  await client.get("anything")
  return {
    write: async (key, value) => void (await client.set(key, value)),
    read: async (key) => (await client.get(key)) ?? undefined,
    close: () => client.close()
  }
}

const clickhouseApp = async ({ database, host, password, port, username }: Details): Promise<AppSession> => {
  const url = `http://${host}:${port}`
  const client = createClickHouse({ url, username, password, database, log: { level: ClickHouseLogLevel.OFF } })
  const query =
    "CREATE TABLE IF NOT EXISTS notes (day Date, name String, value String) ENGINE = MergeTree(day, (name), 8192)"
  await client.command({ query })
  return {
    write: (name, value) =>
      client
        .insert({ table: "notes", values: [{ day: "2026-01-01", name, value }], format: "JSONEachRow" })
        .then(() => undefined),
    read: async (key) => {
      const found = await client.query({
        query: `SELECT value FROM notes WHERE name = '${key}'`,
        format: "JSONEachRow"
      })
      return (await found.json<{ readonly value: string }>())[0]?.value
    },
    close: () => client.close()
  }
}

const apps: Readonly<Record<string, (details: Details) => Promise<AppSession>>> = {
  postgres: connectPostgres,
  mysql: mysqlApp,
  mariadb: mysqlApp,
  redis: redisApp,
  valkey: redisApp,
  clickhouse: clickhouseApp
}

const nameOf = (id: string) => `berth-${id}`

/** Where the container is reached from this machine: the app stands outside of the environment's network. */
const addressOf = async (id: string): Promise<string> => {
  const { NetworkSettings } = await engine.getContainer(nameOf(id)).inspect()
  return Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? ""
}

/** One identity for all tests of a process, so that an engine's template is made once. */
const instance = `test-${randomBytes(5).toString("hex")}`
const filters = { label: [`berth.instance=${instance}`] }

const ofServers = (labels: Readonly<Record<string, string>> | undefined) => labels?.["berth.role"] !== "template"

/** Everything that bears the label, when all tests are done. */
export const cleanUp = async (): Promise<void> => {
  for (const { Id } of await engine.listContainers({ all: true, filters })) {
    await engine.getContainer(Id).remove({ force: true, v: true })
  }
  for (const { Name } of (await engine.listVolumes({ filters })).Volumes ?? []) await engine.getVolume(Name).remove()
  for (const { Id } of await engine.listNetworks({ filters })) await engine.getNetwork(Id).remove()
}

export const dockerPlace = (database: Place["database"]) => (): Place => ({
  host: docker({ instance }),
  database,
  connect: async (details, id) => {
    const app = apps[database.engine]
    if (app === undefined) throw new Error(`no app for ${database.engine}`)
    return app({ ...details, host: await addressOf(id) })
  },
  kill: (_, id) => engine.getContainer(nameOf(id)).kill(),
  vanish: async (_, id) => {
    const container = engine.getContainer(nameOf(id))
    const { Mounts } = await container.inspect()
    await container.remove({ force: true, v: true })
    for (const { Name } of Mounts) {
      const volume = Name === undefined ? undefined : engine.getVolume(Name)
      // Gone with its container already if it had no name of its own; a template is mounted too, and is not this server's.
      const found = await volume?.inspect().catch(() => undefined)
      if (found !== undefined && ofServers(found.Labels)) await volume?.remove()
    }
  },
  leftovers: async () => [
    ...(await engine.listContainers({ all: true, filters })).flatMap(({ Labels, Names }) =>
      ofServers(Labels) ? Names : []
    ),
    ...((await engine.listVolumes({ filters })).Volumes ?? []).flatMap(({ Labels, Name }) =>
      ofServers(Labels) ? [`volume ${Name}`] : []
    )
  ]
})
