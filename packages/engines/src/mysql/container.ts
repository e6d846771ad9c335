/** How a MySQL server runs from the official image. */
import { Redacted } from "effect"
import { type ContainerPlan, ownFolder } from "../ContainerPlan.ts"
import type { Login, ServerInput } from "../Engine.ts"
import { verifier } from "./cachingSha2.ts"
import { account, literal } from "./sql.ts"

const mebibyte = 1024 ** 2
const volume = "/var/lib/mysql"
const data = `${volume}/data`
const initFile = `${ownFolder}/init.sql`

/**
 * Run by the server at every start, before it accepts a connection. Not written to the binary log: it belongs to this
 * server alone. The account that the initialisation made, without a password, is locked.
 */
const initStatements = ({ username, password }: Login): string => {
  const identified = `IDENTIFIED WITH caching_sha2_password AS ${literal(verifier(Redacted.value(password)))}`
  return [
    "SET sql_log_bin = 0;",
    `CREATE USER IF NOT EXISTS ${account(username)} ${identified};`,
    `ALTER USER ${account(username)} ${identified} ACCOUNT UNLOCK;`,
    `GRANT ALL PRIVILEGES ON *.* TO ${account(username)} WITH GRANT OPTION;`,
    "ALTER USER 'root'@'localhost' ACCOUNT LOCK;",
    ""
  ].join("\n")
}

/** Keys, certificates and the server's own id are made anew by each server: a copy must not share them. */
const initialise = `tables=/tmp/berth-init.sql
{ echo 'USE mysql;'; mysql_tzinfo_to_sql /usr/share/zoneinfo 2>/dev/null; } > "$tables"
mysqld --initialize-insecure --datadir="$1" --init-file="$tables" --skip-log-bin \\
  --innodb-flush-log-at-trx-commit=0 --innodb-redo-log-capacity=8388608
rm -f "$1"/auto.cnf "$1"/*.pem
sync`

/** Half of what the server may use; its default is 128 MB, whatever the limit. */
const memory = (limit: number | undefined): ReadonlyArray<string> =>
  limit === undefined ? [] : [`--innodb-buffer-pool-size=${Math.max(32, Math.floor((limit * 0.5) / mebibyte))}M`]

export const container = ({ admin, limits }: ServerInput): ContainerPlan => ({
  user: "mysql",
  env: {},
  args: [
    "mysqld",
    `--datadir=${data}`,
    `--init-file=${initFile}`,
    // The X protocol on 33060 is no endpoint of ours.
    "--mysqlx=0",
    "--skip-name-resolve",
    // All clients from outside come from the gateway's address, which must not be blocked for one that mistypes.
    "--max-connect-errors=1000000000",
    // Refused logins are notes.
    "--log-error-verbosity=3",
    "--log-timestamps=UTC",
    ...memory(limits?.memoryBytes)
  ],
  files: { [initFile]: Redacted.make(initStatements(admin)) },
  volume,
  data,
  template: { recipe: "1", initialise },
  // Writing out a large buffer pool takes its time; a server that is killed has to recover.
  stop: { signal: "SIGTERM", grace: "120 seconds" },
  memoryBytes: 600 * mebibyte
})
