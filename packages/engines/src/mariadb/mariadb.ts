/** MariaDB 10.11 and 11. */
import type { Engine } from "../Engine.ts"
import { connection } from "../mysql/connection.ts"
import { naming, url } from "../mysql/mysql.ts"
import { administration } from "./administration.ts"
import { container } from "./container.ts"

export const mariadb: Engine = {
  id: "mariadb",
  label: "MariaDB",
  prefix: "MARIADB",
  versions: { "10.11": { image: "mariadb:10.11" }, "11": { image: "mariadb:11" } },
  defaultVersion: "11",
  // The usual clients of both engines know the scheme of MySQL.
  endpoints: [{ name: "mariadb", port: 3306, scheme: "mysql" }],
  administrator: { username: "berth_admin", database: "mysql" },
  startTimeout: "3 minutes",
  naming,
  server: (input) => ({ container: container(input) }),
  administration,
  url,
  connection
}
