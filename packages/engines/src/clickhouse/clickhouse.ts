/** ClickHouse, with its HTTP and its native endpoint. */
import type { Engine, UrlParts } from "../Engine.ts"
import { endpointUrl } from "../url.ts"
import { administration } from "./administration.ts"
import { connection } from "./connection.ts"
import { container } from "./container.ts"

/** Databases that the server keeps for itself. */
const reserved = new Set(["default", "system", "information_schema"])

/** `http://…/orders` for clients over HTTP, `clickhouse://…/orders` for native ones. */
const url = ({ endpoint, username, password, host, port, database }: UrlParts): string =>
  endpointUrl(endpoint.scheme, { username, password, host, port, path: `/${encodeURIComponent(database)}` })

export const clickhouse: Engine = {
  id: "clickhouse",
  label: "ClickHouse",
  prefix: "CLICKHOUSE",
  versions: {
    "18.16": { image: "clickhouse/clickhouse-server:18.16" },
    "25.3": { image: "clickhouse/clickhouse-server:25.3" },
    "25.8": { image: "clickhouse/clickhouse-server:25.8" }
  },
  defaultVersion: "25.8",
  // HTTP comes first: it is what most clients, and all of JavaScript's, speak.
  endpoints: [
    { name: "http", port: 8123, scheme: "http" },
    { name: "native", port: 9000, scheme: "clickhouse" }
  ],
  administrator: { username: "berth_admin", database: "system" },
  startTimeout: "2 minutes",
  naming: (name) => {
    const safe = name.replaceAll("-", "_")
    return { username: `app_${safe}`, database: reserved.has(safe) ? `${safe}_db` : safe }
  },
  server: (input) => ({ container: container(input) }),
  administration,
  url,
  connection
}
