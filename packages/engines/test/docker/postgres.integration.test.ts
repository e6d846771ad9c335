import { postgres, type Target } from "@berth/engines"
import { Redacted } from "effect"
import pg from "pg"
import { type AppClient, lifecycle } from "./lifecycle.ts"

const use = async <A>(config: pg.ClientConfig, run: (client: pg.Client) => Promise<A>): Promise<A> => {
  const client = new pg.Client(config)
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

const config = (at: Target): pg.ClientConfig => ({
  host: at.host,
  port: at.port,
  user: at.username,
  password: Redacted.value(at.password),
  database: at.database
})

const read = (of: pg.ClientConfig) =>
  use(of, async (client) => String((await client.query("SELECT value FROM kept")).rows[0].value))

const app: AppClient = {
  write: (at, value) =>
    use(config(at), async (client) => {
      await client.query("CREATE TABLE IF NOT EXISTS kept (value text)")
      await client.query("INSERT INTO kept VALUES ($1)", [value])
    }),
  read: (at) => read(config(at)),
  overreach: (at) => use(config(at), (client) => client.query("COPY (SELECT 1) TO PROGRAM 'true'")),
  readByUrl: (connectionString) => read({ connectionString })
}

await lifecycle(postgres, "15", app)
await lifecycle(postgres, "17", app)
await lifecycle(postgres, "18", app)
