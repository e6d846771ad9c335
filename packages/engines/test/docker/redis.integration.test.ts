import { redis, type Target, valkey } from "@berth/engines"
import { Redacted } from "effect"
import { createClient } from "redis"
import { type AppClient, lifecycle } from "./lifecycle.ts"

interface Client {
  readonly get: (key: string) => Promise<string | null>
  readonly set: (key: string, value: string) => Promise<unknown>
  readonly configGet: (name: string) => Promise<unknown>
}

const use = async <A>(options: object, run: (client: Client) => Promise<A>): Promise<A> => {
  const client = createClient(options)
  client.on("error", () => {})
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.close()
  }
}

const config = (at: Target) => ({
  username: at.username,
  password: Redacted.value(at.password),
  socket: { host: at.host, port: at.port, reconnectStrategy: false }
})

const app: AppClient = {
  write: (at, value) => use(config(at), async (client) => void (await client.set("kept", value))),
  read: (at) => use(config(at), async (client) => String(await client.get("kept"))),
  overreach: (at) => use(config(at), (client) => client.configGet("dir")),
  readByUrl: (url) => use({ url }, async (client) => String(await client.get("kept")))
}

await lifecycle(redis, "7", app)
await lifecycle(redis, "8", app)
await lifecycle(valkey, "9", app)
