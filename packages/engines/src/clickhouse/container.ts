/** How a ClickHouse server runs from the official image. */
import { Redacted } from "effect"
import type { ContainerPlan } from "../ContainerPlan.ts"
import type { ServerInput } from "../Engine.ts"
import { serverFile, usersFile } from "./files.ts"

const mebibyte = 1024 ** 2
const data = "/var/lib/clickhouse"

/** Read after the files of the image, in the order of their names. */
const configuration = "/etc/clickhouse-server"

export const container = ({ version, admin, app }: ServerInput): ContainerPlan => ({
  user: "clickhouse",
  // The image's entrypoint would write an account of its own from the environment.
  env: { CLICKHOUSE_SKIP_USER_SETUP: "1" },
  args: [],
  files: {
    [`${configuration}/config.d/zz-berth.xml`]: serverFile(version),
    [`${configuration}/users.d/zz-berth.xml`]: Redacted.make(usersFile(version, admin, app))
  },
  volume: data,
  data,
  stop: { signal: "SIGTERM", grace: "120 seconds" },
  // Each part of each column is a file. (ClickHouse, "Usage recommendations".)
  openFiles: 262_144,
  memoryBytes: 1024 * mebibyte
})
