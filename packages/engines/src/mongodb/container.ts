/**
 * How a MongoDB server runs from the official image. The administrator is made by our words and not by the image's: its
 * entrypoint takes a data folder whose first start was cut short for a finished one, and then nobody can log in.
 */
import { createHmac } from "node:crypto"
import { Redacted } from "effect"
import { type ContainerPlan, ownFolder } from "../ContainerPlan.ts"
import type { Login, ServerInput } from "../Engine.ts"

const gibibyte = 1024 ** 3
const data = "/data/db"
const keyFile = `${ownFolder}/keyfile`

/** For `mongosh`, against a server that only this container reaches. */
const administratorScript = ({ username, password }: Login): string => {
  const user = JSON.stringify(username)
  const account = `{ pwd: ${JSON.stringify(Redacted.value(password))}, roles: [{ role: "root", db: "admin" }] }`
  return `const admin = db.getSiblingDB("admin")
const account = ${account}
if (admin.getUser(${user}) === null) admin.createUser({ user: ${user}, ...account })
else admin.updateUser(${user}, account)
`
}

/** A server of its own on a port of its own, of this container's loopback only, and gone before the real one starts. */
const bootstrap = `mongod --dbpath "$1" --bind_ip 127.0.0.1 --port 27018 --fork --logpath /tmp/berth-bootstrap.log
trap 'mongod --dbpath "$1" --shutdown > /dev/null' EXIT
mongosh --quiet --norc --port 27018 ${ownFolder}/administrator.js`

/** The server's own rule, with the container's memory in place of the machine's. (MongoDB, `storage.wiredTiger`.) */
const memory = (limit: number | undefined): ReadonlyArray<string> =>
  limit === undefined ? [] : ["--wiredTigerCacheSizeGB", Math.max(0.25, (limit / gibibyte - 1) / 2).toFixed(2)]

/** Members of a set prove themselves to each other with it, and a set with users must have one. At most 1024 characters. */
const keyOf = ({ password }: Login): string =>
  createHmac("sha512", Redacted.value(password)).update("replica set").digest("base64")

export const container =
  (replicaSet: boolean) =>
  ({ admin, limits }: ServerInput): ContainerPlan => ({
    user: "mongodb",
    env: {},
    args: [
      ["mongod", "--auth", "--bind_ip_all", "--dbpath", data],
      replicaSet ? ["--replSet", "berth", "--keyFile", keyFile] : [],
      memory(limits?.memoryBytes)
    ].flat(),
    files: {
      [`${ownFolder}/administrator.js`]: Redacted.make(administratorScript(admin)),
      ...(replicaSet ? { [keyFile]: Redacted.make(keyOf(admin)) } : {})
    },
    volume: data,
    data,
    // The image declares a second volume, which a single server never writes to.
    scratch: ["/data/configdb"],
    bootstrap,
    stop: { signal: "SIGTERM", grace: "120 seconds" },
    openFiles: 64_000,
    memoryBytes: gibibyte / 2
  })
