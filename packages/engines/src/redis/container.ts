/** How a Redis or Valkey server runs from the official image. */
import { Redacted } from "effect"
import { type ContainerPlan, ownFolder } from "../ContainerPlan.ts"
import type { ServerInput } from "../Engine.ts"
import { administratorLine, nobody } from "./acl.ts"

const mebibyte = 1024 ** 2
const data = "/data"
const users = `${data}/users.acl`

/** Beyond this the server refuses writes instead of being killed: a snapshot may double what it holds. */
const memory = (limit: number | undefined): ReadonlyArray<string> =>
  limit === undefined ? [] : [`maxmemory ${Math.floor(limit * 0.65)}`, "maxmemory-policy noeviction"]

/** Users lie on the volume, where `ACL SAVE` keeps those that were made later. */
const configuration = ({ limits }: ServerInput): string =>
  [
    "port 6379",
    "protected-mode no",
    `dir ${data}`,
    `aclfile ${users}`,
    "appendonly yes",
    "appendfsync everysec",
    "save 3600 1 300 100 60 10000",
    // Connections are told from here on.
    "loglevel verbose",
    ...memory(limits?.memoryBytes),
    ""
  ].join("\n")

/** The administrator's line is set, the lines of all others stay. */
const bootstrap = `umask 077
touch "$1/users.acl"
grep -v -e "^user $BERTH_ADMIN " -e '^user default ' "$1/users.acl" > "$1/users.acl.half" || :
cat ${ownFolder}/administrator.acl >> "$1/users.acl.half"
mv "$1/users.acl.half" "$1/users.acl"`

export const container =
  (program: "redis-server" | "valkey-server", user: string) =>
  (input: ServerInput): ContainerPlan => ({
    user,
    env: { BERTH_ADMIN: input.admin.username },
    args: [program, `${ownFolder}/server.conf`],
    files: {
      [`${ownFolder}/server.conf`]: configuration(input),
      [`${ownFolder}/administrator.acl`]: Redacted.make(`${nobody}\n${administratorLine(input.admin)}\n`)
    },
    volume: data,
    data,
    bootstrap,
    // The last snapshot is written on the way out.
    stop: { signal: "SIGTERM", grace: "60 seconds" },
    memoryBytes: 32 * mebibyte
  })
