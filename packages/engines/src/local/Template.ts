/**
 * Data folders of a version, initialised once and copied for every server. A template is made under another name and
 * renamed when it is whole and on the disk, so one that was left half-made is never taken for one.
 */
import { createHash, randomBytes } from "node:crypto"
import { cp, mkdir, readdir, rename, stat, writeFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import type { Command, ProgramPlan, Programs } from "../ProgramPlan.ts"
import type { RuntimeError } from "../RuntimeError.ts"
import { onDisk } from "./disk.ts"
import { run } from "./run.ts"
import { isReachable, ownFolder, removeFolder, type ServerUser } from "./ServerUser.ts"

const half = ".half"
const spareSuffix = ".spare"

/** What a copy is made with: a reflink where the file system can, whole bytes where it cannot. */
const copyCommand = (from: string, to: string): Command => ({
  program: "cp",
  args:
    process.platform === "linux"
      ? ["-a", "--reflink=auto", from, to]
      : process.platform === "darwin"
        ? ["-cRp", from, to]
        : ["-Rp", from, to]
})

/** For work that nobody waits for, beside the work that somebody does. */
const gently = ({ program, args, ...rest }: Command): Command => ({
  program: "nice",
  args: ["-n", "10", program, ...args],
  ...rest
})

/** Some systems' `cp` knows no reflink; then the plain form is right. */
export const copyFolder = (
  from: string,
  to: string,
  user: ServerUser,
  cwd: string,
  how: (command: Command) => Command = (command) => command
): Effect.Effect<void, RuntimeError> =>
  run(how(copyCommand(from, to)), user, cwd).pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "CommandFailed" && error.reason.lastLines.join(" ").includes("option"),
      () => removeFolder(to).pipe(Effect.andThen(run(how({ program: "cp", args: ["-Rp", from, to] }), user, cwd)))
    )
  )

export const exists = (path: string) =>
  onDisk("look at a folder", path, () =>
    stat(path).then(
      () => true,
      (cause) => (cause.code === "ENOENT" ? false : Promise.reject(cause))
    )
  )

const temporary = (path: string) => `${path}.${randomBytes(4).toString("hex")}${half}`

/** Long after the slowest disk is done: another process may be making a template in a shared folder right now. */
const abandonedMillis = 10 * 60 * 1000

/**
 * Removes what a crash left half-made. In a folder of our own that is everything half-made, and the copies that wait
 * too: after a power cut nobody knows whether they reached the disk.
 */
export const removeHalfMade = (
  folder: string,
  { isShared }: { readonly isShared: boolean }
): Effect.Effect<void, RuntimeError> =>
  onDisk("list a folder", folder, async () => {
    const before = Date.now() - abandonedMillis
    const isAbandoned = (path: string) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs < before,
        () => false
      )
    const paths = (await readdir(folder)).map((name) => join(folder, name))
    if (!isShared) return paths.filter((path) => path.endsWith(half) || path.endsWith(spareSuffix))
    const halves = paths.filter((path) => path.endsWith(half))
    const abandoned = await Promise.all(halves.map(isAbandoned))
    return halves.filter((_, index) => abandoned[index] === true)
  }).pipe(Effect.flatMap((paths) => Effect.forEach(paths, removeFolder, { discard: true })))

/**
 * The programs themselves, or a copy of them when the servers' user cannot reach them: what npm installs below a home
 * folder that is closed to others, say.
 */
export const reachablePrograms = Effect.fnUntraced(function* (programs: Programs, folder: string, user: ServerUser) {
  if (yield* isReachable(programs.folder, user)) return programs
  const root = join(
    folder,
    `${programs.version}-${createHash("sha256").update(programs.root).digest("hex").slice(0, 16)}`
  )
  const reachable: Programs = { ...programs, root, folder: join(root, programs.folder.slice(programs.root.length)) }
  if (yield* exists(root)) return reachable
  const making = temporary(root)
  yield* onDisk("copy programs", making, async () => {
    await cp(programs.root, making, { recursive: true, verbatimSymlinks: true })
    await rename(making, root)
  }).pipe(Effect.tapError(() => Effect.ignore(removeFolder(making))))
  return reachable
})

export const templateName = (engine: string, plan: ProgramPlan, programs: Programs): string =>
  `${engine}-${programs.version}-${plan.recipe}`

const spareOf = (whole: string) => `${whole}${spareSuffix}`

/** A copy that waits for the next server, so that the copying is not what its deployment waits for. */
export const refill = Effect.fnUntraced(function* (whole: string, user: ServerUser) {
  const spare = spareOf(whole)
  if (yield* exists(spare)) return
  const making = temporary(spare)
  yield* Effect.gen(function* () {
    yield* ownFolder(making, user)
    yield* copyFolder(join(whole, "data"), join(making, "data"), user, making, gently)
    yield* onDisk("name a copy", spare, () => rename(making, spare))
  }).pipe(Effect.onError(() => Effect.ignore(removeFolder(making))))
})

/** Moves the copy that waits to `to`. Answers whether there was one. */
export const takeSpare = Effect.fnUntraced(function* (whole: string, to: string, user: ServerUser, cwd: string) {
  const spare = spareOf(whole)
  const taking = temporary(spare)
  // Under a name of one's own first: of two that come at once, one finds nothing.
  const found = yield* onDisk("take a copy", spare, () =>
    rename(spare, taking).then(
      () => true,
      () => false
    )
  )
  if (!found) return false
  yield* onDisk("take a copy", to, () => rename(join(taking, "data"), to)).pipe(
    // Templates that several data directories share may lie on another disk.
    Effect.catch(() => copyFolder(join(taking, "data"), to, user, cwd)),
    Effect.ensuring(Effect.ignore(removeFolder(taking)))
  )
  return true
}, Effect.uninterruptible)

export interface Making {
  /**
   * A first copy, initialised as the template is and beside it, so that a first deployment waits for no copying.
   * `undefined` where there is no second processor to do it on.
   */
  readonly copy: Effect.Effect<void, RuntimeError> | undefined
  /** The template itself, which has its name when it is whole and on the disk. Takes its time when there is a copy. */
  readonly template: Effect.Effect<void, RuntimeError>
}

/** What has to be done for a template; `undefined` when it is there. */
export const begin = Effect.fnUntraced(function* (options: {
  readonly engine: string
  readonly plan: ProgramPlan
  readonly programs: Programs
  readonly templates: string
  readonly user: ServerUser
}) {
  const { plan, programs, templates, user } = options
  const whole = join(templates, templateName(options.engine, plan, programs))
  if (yield* exists(whole)) return undefined
  const isBeside = availableParallelism() > 1

  /** Initialises a folder under a name of its own, and lets `finish` name it when it is whole. */
  const initialise = (
    target: string,
    how: (command: Command) => Command,
    finish: (folder: string) => Effect.Effect<void, RuntimeError>
  ) => {
    const folder = temporary(target)
    const data = join(folder, "data")
    return Effect.gen(function* () {
      yield* ownFolder(folder, user)
      yield* run(how(plan.initialise({ programs, data })), user, folder)
      yield* onDisk("write a file", data, () =>
        Promise.all(Object.entries(plan.files).map(([path, text]) => writeFile(join(data, path), text)))
      )
      yield* finish(folder)
    }).pipe(Effect.onError(() => Effect.ignore(removeFolder(folder))))
  }

  const name = (folder: string, target: string) => onDisk("name a data folder", target, () => rename(folder, target))

  const making: Making = {
    copy: isBeside
      ? initialise(
          spareOf(whole),
          (command) => command,
          (folder) =>
            // A copy that is there already, of another process, does as well.
            name(folder, spareOf(whole)).pipe(Effect.catch(() => removeFolder(folder)))
        )
      : undefined,
    template: initialise(whole, isBeside ? gently : (command) => command, (folder) =>
      run(gently(plan.sync({ programs, data: join(folder, "data") })), user, folder).pipe(
        Effect.andThen(name(folder, whole))
      )
    )
  }
  return making
})

export const makeFolder = (folder: string): Effect.Effect<void, RuntimeError> =>
  onDisk("make a folder", folder, () => mkdir(folder, { recursive: true, mode: 0o711 }))
