/** Postgres 15 to 18. */
import type { Engine, ServerInput, UrlParts } from "../Engine.ts"
import { endpointUrl } from "../url.ts"
import { administration } from "./administration.ts"
import { connection } from "./connection.ts"
import { container } from "./container.ts"
import { program } from "./program.ts"

/** Databases that a new cluster has, and names that PostgreSQL keeps for roles of its own. */
const reserved = new Set(["postgres", "template0", "template1"])

const url = ({ endpoint, username, password, host, port, database }: UrlParts): string =>
  endpointUrl(endpoint.scheme, { username, password, host, port, path: `/${encodeURIComponent(database)}` })

export const postgres: Engine = {
  id: "postgres",
  label: "Postgres",
  prefix: "POSTGRES",
  versions: {
    "15": { image: "postgres:15" },
    "16": { image: "postgres:16" },
    "17": { image: "postgres:17" },
    "18": { image: "postgres:18" }
  },
  defaultVersion: "18",
  endpoints: [{ name: "postgres", port: 5432, scheme: "postgresql" }],
  administrator: { username: "berth_admin", database: "postgres" },
  startTimeout: "60 seconds",
  // Role names that start with `pg_` are refused by the server, so the app's role never starts with its database's name.
  naming: (name) => {
    const safe = name.replaceAll("-", "_")
    return { username: `app_${safe}`, database: reserved.has(safe) ? `${safe}_db` : safe }
  },
  server: (input: ServerInput) => ({
    program: program(input.version, input.admin, input.app),
    container: container(input)
  }),
  administration,
  url,
  connection
}
