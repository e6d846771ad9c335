/** How a MariaDB server runs from the official image. */
import { Redacted } from "effect"
import { type ContainerPlan, ownFolder } from "../ContainerPlan.ts"
import type { Login, ServerInput } from "../Engine.ts"
import { account, literal } from "../mysql/sql.ts"
import { verifier } from "./nativePassword.ts"

const mebibyte = 1024 ** 2
const volume = "/var/lib/mysql"
const data = `${volume}/data`
const initFile = `${ownFolder}/init.sql`

/**
 * Run by the server at every start, before it accepts a connection. The account that the initialisation made, without
 * a password, is locked.
 */
const initStatements = ({ username, password }: Login): string => {
  const identified = `IDENTIFIED VIA mysql_native_password USING ${literal(verifier(Redacted.value(password)))}`
  return [
    "SET sql_log_bin = 0;",
    `CREATE USER IF NOT EXISTS ${account(username)} ${identified};`,
    `ALTER USER ${account(username)} ${identified} ACCOUNT UNLOCK;`,
    `GRANT ALL PRIVILEGES ON *.* TO ${account(username)} WITH GRANT OPTION;`,
    "ALTER USER 'root'@'localhost' ACCOUNT LOCK;",
    ""
  ].join("\n")
}

const initialise = `mariadb-install-db --datadir="$1" --auth-root-authentication-method=normal --skip-test-db --skip-log-bin
{ echo 'USE mysql;'
  mariadb-tzinfo-to-sql /usr/share/zoneinfo 2>/dev/null
  echo "DELETE FROM global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');"
} | mariadbd --bootstrap --datadir="$1" --skip-log-bin --innodb-flush-log-at-trx-commit=0
sync`

/** Half of what the server may use; its default is 128 MB, whatever the limit. */
const memory = (limit: number | undefined): ReadonlyArray<string> =>
  limit === undefined ? [] : [`--innodb-buffer-pool-size=${Math.max(32, Math.floor((limit * 0.5) / mebibyte))}M`]

export const container = ({ admin, limits }: ServerInput): ContainerPlan => ({
  user: "mysql",
  env: {},
  args: [
    "mariadbd",
    `--datadir=${data}`,
    `--init-file=${initFile}`,
    "--skip-name-resolve",
    // All clients from outside come from the gateway's address, which must not be blocked for one that mistypes.
    "--max-connect-errors=1000000000",
    "--log-warnings=2",
    ...memory(limits?.memoryBytes)
  ],
  files: { [initFile]: Redacted.make(initStatements(admin)) },
  volume,
  data,
  template: { recipe: "1", initialise },
  // Writing out a large buffer pool takes its time; a server that is killed has to recover.
  stop: { signal: "SIGTERM", grace: "120 seconds" },
  memoryBytes: 300 * mebibyte
})
