/** Redis 7 and 8, and Valkey 8 and 9, which speaks the same and keeps the reference prefix, so that an app can change over. */
import type { Engine, UrlParts } from "../Engine.ts"
import { endpointUrl } from "../url.ts"
import { administration } from "./administration.ts"
import { connection } from "./connection.ts"
import { container } from "./container.ts"

const url = ({ endpoint, username, password, host, port, database }: UrlParts): string =>
  endpointUrl(endpoint.scheme, { username, password, host, port, path: `/${encodeURIComponent(database)}` })

export const redis: Engine = {
  id: "redis",
  label: "Redis",
  prefix: "REDIS",
  versions: { "7": { image: "redis:7" }, "8": { image: "redis:8" } },
  defaultVersion: "8",
  endpoints: [{ name: "redis", port: 6379, scheme: "redis" }],
  administrator: { username: "berth_admin", database: "0" },
  startTimeout: "60 seconds",
  // A logical database of Redis is a number.
  naming: (name) => ({ username: `app_${name.replaceAll("-", "_")}`, database: "0" }),
  server: (input) => ({ container: container("redis-server", "redis")(input) }),
  administration,
  url,
  connection
}

export const valkey: Engine = {
  ...redis,
  id: "valkey",
  label: "Valkey",
  versions: { "8": { image: "valkey/valkey:8" }, "9": { image: "valkey/valkey:9" } },
  defaultVersion: "9",
  server: (input) => ({ container: container("valkey-server", "valkey")(input) })
}
