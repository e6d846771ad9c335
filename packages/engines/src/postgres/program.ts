/** How a Postgres server runs as a process of this machine. */
import { join } from "node:path"
import { Redacted } from "effect"
import type { Login } from "../Engine.ts"
import type { ProgramPlan } from "../ProgramPlan.ts"
import { appRights } from "./administration.ts"
import { locate } from "./programs.ts"
import { verifier } from "./scram.ts"
import { identifier, literal } from "./sql.ts"

/** A password for every TCP connection, from this machine only; no local socket is opened. */
const hostBasedAuthentication = `host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
host replication all ::1/128 scram-sha-256
`

/** The C library's `C.UTF-8` is not on every system; PostgreSQL 17 brought its own. */
const locale = (major: number): ReadonlyArray<string> =>
  major >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-locale"] : ["--no-locale"]

/** Statements of single-user mode end with their line. The app's own follow where it is known. */
const credentials = (admin: Login, app: Login | undefined): string => {
  const scram = (login: Login) => literal(verifier(Redacted.value(login.password)))
  const ofApp =
    app === undefined
      ? []
      : [
          `CREATE ROLE ${identifier(app.username)} ${appRights} PASSWORD ${scram(app)};`,
          `CREATE DATABASE ${identifier(app.database)} OWNER ${identifier(app.username)};`
        ]
  return [`ALTER ROLE ${identifier(admin.username)} PASSWORD ${scram(admin)};`, ...ofApp, ""].join("\n")
}

export const program = (version: string, admin: Login, app: Login | undefined): ProgramPlan => ({
  locate: locate(version),
  recipe: "1",
  // Trust holds for as long as the folder is a template, in which no server ever listens.
  initialise: ({ programs, data }) => ({
    program: join(programs.folder, "initdb"),
    args: [
      `--pgdata=${data}`,
      `--username=${admin.username}`,
      "--auth=trust",
      "--encoding=UTF8",
      "--no-sync",
      "--data-checksums",
      ...locale(Number(version))
    ]
  }),
  files: { "pg_hba.conf": hostBasedAuthentication },
  // Single-user mode reads statements from standard input and opens no port. Nothing of it has to reach the disk by
  // itself (`-F`): `sync` follows.
  bootstrap: ({ programs, data }) => ({
    program: join(programs.folder, "postgres"),
    args: ["--single", "-F", "-D", data, "-c", "log_min_messages=error", admin.database],
    stdin: Redacted.make(credentials(admin, app))
  }),
  sync: ({ programs, data }) => ({
    program: join(programs.folder, "initdb"),
    args: ["--sync-only", `--pgdata=${data}`]
  }),
  serve: ({ programs, data, host, ports }) => ({
    program: join(programs.folder, "postgres"),
    args: [
      ["-D", data],
      ["-c", `listen_addresses=${host}`],
      ["-c", `port=${ports.postgres}`],
      ["-c", "unix_socket_directories="],
      ["-c", "logging_collector=off"],
      ["-c", "log_connections=on"],
      ["-c", "log_disconnections=on"]
    ].flat()
  }),
  // SIGINT is the "fast" shutdown: it ends sessions instead of waiting for them. (PostgreSQL, "Shutting Down".)
  stop: { signal: "SIGINT", grace: "60 seconds" }
})
