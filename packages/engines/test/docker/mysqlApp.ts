/** An app that uses `mysql2`, for MySQL and MariaDB. */
import type { Target } from "@berth/engines"
import { Redacted } from "effect"
import mysql from "mysql2/promise"
import type { AppClient } from "./lifecycle.ts"

const use = async <A>(
  options: mysql.ConnectionOptions | string,
  run: (connection: mysql.Connection) => Promise<A>
): Promise<A> => {
  const connection =
    typeof options === "string" ? await mysql.createConnection(options) : await mysql.createConnection(options)
  try {
    return await run(connection)
  } finally {
    await connection.end()
  }
}

const config = (at: Target): mysql.ConnectionOptions => ({
  host: at.host,
  port: at.port,
  user: at.username,
  password: Redacted.value(at.password),
  database: at.database
})

const read = (options: mysql.ConnectionOptions | string) =>
  use(options, async (connection) => {
    const [rows] = await connection.query<Array<mysql.RowDataPacket>>("SELECT value FROM kept")
    return String(rows[0]?.value)
  })

export const app: AppClient = {
  write: (at, value) =>
    use(config(at), async (connection) => {
      await connection.query("CREATE TABLE IF NOT EXISTS kept (value varchar(100))")
      await connection.query("INSERT INTO kept VALUES (?)", [value])
    }),
  read: (at) => read(config(at)),
  overreach: (at) => use(config(at), (connection) => connection.query("CREATE DATABASE another")),
  readByUrl: (url) => read(url)
}
