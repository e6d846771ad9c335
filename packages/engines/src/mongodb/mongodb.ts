/** MongoDB 7 and 8, as a single server, or as a replica set of one, in which transactions and change streams work. */
import type { Engine, UrlParts } from "../Engine.ts"
import { endpointUrl } from "../url.ts"
import { administration } from "./administration.ts"
import { connection } from "./connection.ts"
import { container } from "./container.ts"

/** Databases that the server keeps for itself. */
const reserved = new Set(["admin", "config", "local"])

/**
 * The user lives in its own database, so that is where it logs in. Without `directConnection` a driver goes on to the
 * name that the member of a replica set has for itself, which is right inside its container only.
 */
const url = ({ endpoint, username, password, host, port, database }: UrlParts): string => {
  const name = encodeURIComponent(database)
  const path = `/${name}?authSource=${name}&directConnection=true`
  return endpointUrl(endpoint.scheme, { username, password, host, port, path })
}

export const mongodb: Engine = {
  id: "mongodb",
  label: "MongoDB",
  prefix: "MONGO",
  versions: { "7": { image: "mongo:7" }, "8": { image: "mongo:8" } },
  defaultVersion: "8",
  endpoints: [{ name: "mongodb", port: 27_017, scheme: "mongodb" }],
  administrator: { username: "berth_admin", database: "admin" },
  startTimeout: "2 minutes",
  naming: (name) => {
    const safe = name.replaceAll("-", "_")
    return { username: `app_${safe}`, database: reserved.has(safe) ? `${safe}_db` : safe }
  },
  server: (input) => ({ container: container(false)(input) }),
  administration,
  url,
  connection
}

export const mongodbReplicaSet: Engine = {
  ...mongodb,
  id: "mongodbreplicaset",
  label: "MongoDB replica set",
  server: (input) => ({ container: container(true)(input) })
}
