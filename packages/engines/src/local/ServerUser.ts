/**
 * As whom servers run. A program started by an ordinary user runs its servers as that user. One started by root must
 * not: Postgres refuses it, and no database should be able to write what root can. Then an unprivileged user of this
 * machine runs them, and where it cannot reach the folder of servers, they are kept at a place where it can.
 */
import { createHash } from "node:crypto"
import { chmod, chown, lstat, mkdir, readFile, readlink, rm, stat, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { fail, HostFailed, type RuntimeError } from "../RuntimeError.ts"
import { onDisk } from "./disk.ts"

export interface ServerUser {
  /** Left out: the user of this process. */
  readonly ids?: { readonly uid: number; readonly gid: number }
}

/** In this order: one made for the purpose, one that a distribution's Postgres brings, and one that every system has. */
const candidates = ["berth", "postgres", "nobody"]

/** Where servers are kept when the data directory is out of the unprivileged user's reach. */
const reachableBase = "/var/lib/berth"

const lookUp = (passwd: string): ServerUser | undefined => {
  const entries = new Map(passwd.split("\n").map((line) => [line.split(":")[0], line.split(":")]))
  const entry = candidates.map((name) => entries.get(name)).find((found) => found !== undefined && found[2] !== "0")
  const [uid, gid] = [Number(entry?.[2]), Number(entry?.[3])]
  // `nobody` is -2 on macOS, written as 4294967294 for system calls.
  return entry === undefined ? undefined : { ids: { uid: uid >>> 0, gid: gid >>> 0 } }
}

export const serverUser: Effect.Effect<ServerUser, RuntimeError> = Effect.suspend(() => {
  if (process.getuid?.() !== 0) return Effect.succeed({})
  return onDisk("read the users of this machine", "/etc/passwd", () => readFile("/etc/passwd", "utf8")).pipe(
    Effect.flatMap((passwd) => {
      const user = lookUp(passwd)
      if (user !== undefined) return Effect.succeed(user)
      const detail = `servers must not run as root, and none of the users ${candidates.join(", ")} exists`
      return Effect.fail(fail(new HostFailed({ action: "choose a user for servers", detail, isRetryable: false })))
    })
  )
})

/** Can somebody who owns nothing pass through every folder above `folder`? */
const reachable = async (folder: string): Promise<boolean> => {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false
    if (dirname(at) === at) return true
  }
}

/**
 * A folder for servers that `user` can reach: `folder` itself, or, through a symbolic link at `folder`, one below
 * `/var/lib/berth` whose name derives from it. `exit` removes the latter when it is empty.
 */
export const reachableFolder = (folder: string, user: ServerUser): Effect.Effect<string, RuntimeError> =>
  onDisk("make the folder of servers", folder, async () => {
    if (user.ids === undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      return folder
    }
    await mkdir(dirname(folder), { recursive: true })
    const there = await lstat(folder).catch(() => undefined)
    // A link goes with a data directory that is moved, and still leads to where its servers are.
    if (there?.isSymbolicLink() === true) {
      const target = await readlink(folder)
      await mkdir(target, { recursive: true })
      await chmod(target, 0o711)
      return target
    }
    if (await reachable(dirname(folder))) {
      await mkdir(folder, { recursive: true })
      await chmod(folder, 0o711)
      return folder
    }
    if (there !== undefined) {
      throw new Error(
        "it holds servers, and a folder above it has been closed to their user; open that one to pass through"
      )
    }
    const away = join(reachableBase, createHash("sha256").update(folder).digest("hex").slice(0, 16))
    await mkdir(away, { recursive: true })
    await chmod(reachableBase, 0o711)
    await chmod(away, 0o711)
    await symlink(away, folder)
    return away
  })

/** A folder that belongs to `user` and that nobody else can look into. */
export const ownFolder = (folder: string, user: ServerUser): Effect.Effect<void, RuntimeError> =>
  onDisk("make a folder", folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (user.ids !== undefined) await chown(folder, user.ids.uid, user.ids.gid)
  })

export const isReachable = (folder: string, user: ServerUser): Effect.Effect<boolean, RuntimeError> =>
  user.ids === undefined ? Effect.succeed(true) : onDisk("look at a folder", folder, () => reachable(folder))

export const removeFolder = (folder: string): Effect.Effect<void, RuntimeError> =>
  onDisk("remove a folder", folder, () => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
