/** How a Postgres server runs from the official image. */
import { Redacted } from "effect"
import { type ContainerPlan, ownFolder } from "../ContainerPlan.ts"
import type { ServerInput } from "../Engine.ts"
import { lastingVerifier } from "./scram.ts"
import { identifier, literal } from "./sql.ts"

const mebibyte = 1024 ** 2

/** From version 18 on, one mount holds the data of all versions, so that an upgrade can link files. (docker-library/postgres#1259) */
const places = (major: number) =>
  major >= 18
    ? { volume: "/var/lib/postgresql", data: `/var/lib/postgresql/${major}/docker` }
    : { volume: "/var/lib/postgresql/data", data: "/var/lib/postgresql/data/cluster" }

/**
 * The C library's collations change with the image's base and silently corrupt indexes, so none is used. PostgreSQL 17
 * brought a provider of its own.
 */
const locale = (major: number): string =>
  major >= 17 ? "--locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C.UTF-8" : "--locale=C.UTF-8"

/** A password for everybody from everywhere: the image's own file trusts whoever is inside the container. */
const initialise = (major: number): string => `umask 077
initdb --pgdata="$1" --username="$BERTH_ADMIN" --auth=trust --encoding=UTF8 --data-checksums --no-sync ${locale(major)}
printf 'host all all all scram-sha-256\\nhost replication all all scram-sha-256\\n' > "$1/pg_hba.conf"
sync`

/** A quarter of what the server may use, as PostgreSQL's manual advises; its default is 128 MB. */
const memory = (limit: number | undefined): ReadonlyArray<string> =>
  limit === undefined ? [] : ["-c", `shared_buffers=${Math.max(16, Math.floor(limit / 4 / mebibyte))}MB`]

export const container = ({ version, admin, limits }: ServerInput): ContainerPlan => {
  const major = Number(version)
  const { volume, data } = places(major)
  return {
    user: "postgres",
    env: { PGDATA: data, BERTH_ADMIN: admin.username, BERTH_ADMIN_DATABASE: admin.database },
    args: [
      ["postgres"],
      ["-c", "listen_addresses=*"],
      ["-c", "unix_socket_directories="],
      ["-c", "log_connections=on"],
      ["-c", "log_disconnections=on"],
      ["-c", "log_line_prefix=%m [%p] %h "],
      ["-c", "log_timezone=UTC"],
      memory(limits?.memoryBytes)
    ].flat(),
    files: {
      [`${ownFolder}/administrator.sql`]: Redacted.make(
        `ALTER ROLE ${identifier(admin.username)} PASSWORD ${literal(lastingVerifier(Redacted.value(admin.password)))};\n`
      )
    },
    volume,
    data,
    template: { recipe: "1", initialise: initialise(major) },
    // Single-user mode reads statements from standard input and opens no port. A server that was killed leaves the file
    // of its process, number 1 of its container, and here that number is the shell's; no other container has the volume.
    bootstrap: `rm -f "$1/postmaster.pid"
postgres --single -D "$1" -c log_min_messages=error "$BERTH_ADMIN_DATABASE" < ${ownFolder}/administrator.sql`,
    // SIGINT is the "fast" shutdown: it ends sessions instead of waiting for them. (PostgreSQL, "Shutting Down".)
    stop: { signal: "SIGINT", grace: "60 seconds" },
    // Parallel queries share memory through /dev/shm, and the engine's 64 MiB are soon used up.
    sharedMemoryBytes: 256 * mebibyte,
    memoryBytes: 128 * mebibyte
  }
}
