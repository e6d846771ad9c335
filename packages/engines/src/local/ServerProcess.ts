/**
 * The process of one server. It outlives the process that started it, and whoever comes later finds it again through
 * its pid file, which the process writes itself before it becomes the server: there is never a server without one, and
 * of two that are started at once the second ends before it touches the data.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { open, readFile, rm, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { Duration, Effect, Schedule } from "effect"
import type { Command } from "../ProgramPlan.ts"
import { fail, HostFailed, type RuntimeError, ServerEnded } from "../RuntimeError.ts"
import { onDisk } from "./disk.ts"
import { lastLinesOf } from "./LogFile.ts"
import { identityOf, identityScript } from "./processIdentity.ts"
import { plainEnvironment } from "./run.ts"
import type { ServerFolder } from "./ServerFolder.ts"
import { ownFolder, type ServerUser } from "./ServerUser.ts"

/** Ends with 97 when the pid file is there already. `ln` is the one call that makes a whole file or none. */
const launcher = `file=$1; shift
identity() { ${identityScript}; }
{ printf "%s " "$$"; identity "$$"; } > "$file.$$" && ln "$file.$$" "$file" || { rm -f "$file.$$"; exit 97; }
rm -f "$file.$$"
exec "$@"`

export type Found =
  | { readonly _tag: "Running"; readonly pid: number; readonly since: Date }
  /** The pid file names a process that is no more. */
  | { readonly _tag: "Gone"; readonly pid: number }
  | { readonly _tag: "Never" }

/** How processes that this process started have ended, by pid. What an earlier one started tells nobody. */
const endings = new Map<number, string>()

const isOurs = async (pid: number, identity: string, user: ServerUser): Promise<boolean> => {
  if ((await identityOf(pid)) !== identity) return false
  // The server's user can write its pid file, so the file must not make root end a process of somebody else.
  if (user.ids === undefined || process.platform !== "linux") return true
  const uid = await stat(`/proc/${pid}`).then(
    (found) => found.uid,
    (cause) => (cause.code === "ENOENT" ? undefined : Promise.reject(cause))
  )
  return uid === user.ids.uid
}

export const find = (folder: ServerFolder, user: ServerUser): Effect.Effect<Found, RuntimeError> =>
  onDisk("read a pid file", folder.pid, async (): Promise<Found> => {
    // Only a file that is not there means that there is no process; any other failure to look is one.
    const text = await readFile(folder.pid, "utf8").catch((cause) =>
      cause.code === "ENOENT" ? undefined : Promise.reject(cause)
    )
    const [pid, identity] = text?.trim().split(" ") ?? []
    if (pid === undefined || identity === undefined) return { _tag: "Never" }
    if (!(await isOurs(Number(pid), identity, user))) return { _tag: "Gone", pid: Number(pid) }
    return { _tag: "Running", pid: Number(pid), since: (await stat(folder.pid)).mtime }
  })

/** A sentence about the end of the process that the pid file names. */
export const howItEnded = (folder: ServerFolder, pid: number): Effect.Effect<ServerEnded> =>
  lastLinesOf(folder.log).pipe(
    Effect.map((lastLines) => {
      const how = endings.get(pid) ?? "it ended while nobody watched"
      return new ServerEnded({ server: folder.id, how, lastLines })
    })
  )

const launch = (folder: ServerFolder, command: Command, user: ServerUser): Effect.Effect<void, RuntimeError> =>
  onDisk("start a server", folder.path, async () => {
    const log = await open(folder.log, "a", 0o600)
    try {
      const child = spawn("/bin/sh", ["-c", launcher, "berth", folder.pid, command.program, ...command.args], {
        cwd: folder.path,
        env: plainEnvironment(),
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
        ...user.ids
      })
      child.once("exit", (code, signal) => {
        if (child.pid === undefined) return
        endings.set(child.pid, signal === null ? `it ended with ${code}` : `killed by ${signal}`)
      })
      await once(child, "spawn")
      child.unref()
    } finally {
      await log.close()
    }
  })

const awaitPidFile = (folder: ServerFolder, user: ServerUser) =>
  find(folder, user).pipe(
    Effect.flatMap((found) =>
      found._tag === "Never"
        ? Effect.fail(fail(new HostFailed({ action: "start a server", detail: "no pid file", isRetryable: true })))
        : Effect.succeed(found)
    ),
    Effect.retry({ schedule: Schedule.spaced("3 millis"), times: 5_000, while: (error) => error.isRetryable })
  )

/** Starts the server unless it runs. Answers when its process is there. */
export const start = Effect.fnUntraced(function* (folder: ServerFolder, command: Command, user: ServerUser) {
  const found = yield* find(folder, user)
  if (found._tag === "Running") return
  yield* onDisk("remove a stale pid file", folder.pid, () => rm(folder.pid, { force: true }))
  yield* ownFolder(dirname(folder.log), user)
  // Until the process has a pid file nobody could find it again, so nothing comes between.
  const started = yield* Effect.uninterruptible(
    Effect.andThen(launch(folder, command, user), awaitPidFile(folder, user))
  )
  if (started._tag === "Gone") return yield* Effect.fail(fail(yield* howItEnded(folder, started.pid)))
})

const gone = (folder: ServerFolder, user: ServerUser, within: Duration.Duration) =>
  find(folder, user).pipe(
    Effect.map((found) => found._tag !== "Running"),
    Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (isGone) => isGone }),
    Effect.timeoutOrElse({ duration: within, orElse: () => Effect.succeed(false) })
  )

const signal = (pid: number, name: NodeJS.Signals) =>
  Effect.sync(() => {
    try {
      process.kill(pid, name)
    } catch {
      // It ended between the look and the signal, which is what the signal is for.
    }
  })

/** Ends the server if it runs, by force after `grace`, and forgets its process. */
export const stop = Effect.fnUntraced(function* (
  folder: ServerFolder,
  how: { readonly signal: NodeJS.Signals; readonly grace: Duration.Duration },
  user: ServerUser
) {
  const found = yield* find(folder, user)
  if (found._tag === "Running") {
    yield* signal(found.pid, how.signal)
    if (!(yield* gone(folder, user, how.grace))) {
      yield* signal(found.pid, "SIGKILL")
      if (!(yield* gone(folder, user, Duration.seconds(10)))) {
        const detail = `process ${found.pid} of the server ${folder.id} does not end`
        return yield* Effect.fail(fail(new HostFailed({ action: "end a process", detail, isRetryable: true })))
      }
    }
  }
  if (found._tag !== "Never") endings.delete(found.pid)
  yield* onDisk("remove a pid file", folder.pid, () => rm(folder.pid, { force: true }))
})
