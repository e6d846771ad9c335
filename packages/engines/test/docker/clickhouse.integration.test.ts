import { clickhouse, type Target } from "@berth/engines"
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client"
import { Redacted } from "effect"
import { type AppClient, lifecycle } from "./lifecycle.ts"

const log = { level: ClickHouseLogLevel.OFF }

const use = async <A>(client: ClickHouseClient, run: (client: ClickHouseClient) => Promise<A>): Promise<A> => {
  try {
    return await run(client)
  } finally {
    await client.close()
  }
}

const client = (at: Target) =>
  createClient({
    url: `http://${at.host}:${at.port}`,
    username: at.username,
    password: Redacted.value(at.password),
    database: at.database,
    log
  })

const read = (of: ClickHouseClient) =>
  use(of, async (client) => {
    const answer = await client.query({ query: "SELECT value FROM kept", format: "JSONEachRow" })
    const rows = await answer.json<{ readonly value: string }>()
    return String(rows[0]?.value)
  })

const app: AppClient = {
  write: (at, value) =>
    use(client(at), async (client) => {
      await client.command({
        query: "CREATE TABLE IF NOT EXISTS kept (day Date, value String) ENGINE = MergeTree(day, (value), 8192)"
      })
      await client.insert({ table: "kept", values: [{ day: "2026-01-01", value }], format: "JSONEachRow" })
    }),
  read: (at) => read(client(at)),
  overreach: (at) => use(client(at), (client) => client.command({ query: "CREATE DATABASE another" })),
  readByUrl: (url) => read(createClient({ url, log }))
}

await lifecycle(clickhouse, "18.16", app)
