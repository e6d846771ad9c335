/** MySQL 8.4 and 9. */
import type { Engine, UrlParts } from "../Engine.ts"
import { endpointUrl } from "../url.ts"
import { administration } from "./administration.ts"
import { connection } from "./connection.ts"
import { container } from "./container.ts"

/** Databases that the server keeps for itself. */
export const reserved: ReadonlySet<string> = new Set([
  "mysql",
  "sys",
  "information_schema",
  "performance_schema",
  "test"
])

/** A user name may have 32 characters. (MySQL, "User Account Names"; MariaDB allows more.) */
const longestUser = 32

export const naming = (name: string) => {
  const safe = name.replaceAll("-", "_")
  return { username: `app_${safe}`.slice(0, longestUser), database: reserved.has(safe) ? `${safe}_db` : safe }
}

export const url = ({ endpoint, username, password, host, port, database }: UrlParts): string =>
  endpointUrl(endpoint.scheme, { username, password, host, port, path: `/${encodeURIComponent(database)}` })

export const mysql: Engine = {
  id: "mysql",
  label: "MySQL",
  prefix: "MYSQL",
  versions: { "8.4": { image: "mysql:8.4" }, "9": { image: "mysql:9" } },
  defaultVersion: "9",
  endpoints: [{ name: "mysql", port: 3306, scheme: "mysql" }],
  administrator: { username: "berth_admin", database: "mysql" },
  startTimeout: "3 minutes",
  naming,
  server: (input) => ({ container: container(input) }),
  administration,
  url,
  connection
}
