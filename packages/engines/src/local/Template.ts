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
import type { Progress } from "../Runtime.ts"
import type { RuntimeError } from "../RuntimeError.ts"
import { onDisk } from "./disk.ts"
import { run } from "./run.ts"
import { isReachable, ownFolder, removeFolder, type ServerUser } from "./ServerUser.ts"

const half = ".half"

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

/** Some systems' `cp` knows no reflink; then the plain form is right. */
export const copyFolder = (
  from: string,
  to: string,
  user: ServerUser,
  cwd: string
): Effect.Effect<void, RuntimeError> =>
  run(copyCommand(from, to), user, cwd).pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "CommandFailed" && error.reason.lastLines.join(" ").includes("option"),
      () => removeFolder(to).pipe(Effect.andThen(run({ program: "cp", args: ["-Rp", from, to] }, user, cwd)))
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

/** Long after the slowest disk is done: another process may be making a template in the same folder right now. */
const abandonedMillis = 10 * 60 * 1000

/** Removes what a crash left half-made. */
export const removeHalfMade = (folder: string): Effect.Effect<void, RuntimeError> =>
  onDisk("list a folder", folder, async () => {
    const before = Date.now() - abandonedMillis
    const isAbandoned = (path: string) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs < before,
        () => false
      )
    const halves = (await readdir(folder)).filter((name) => name.endsWith(half)).map((name) => join(folder, name))
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

const spareOf = (whole: string) => `${whole}.spare`

/** A copy that waits for the next server, so that the copying is not what its deployment waits for. */
export const refill = Effect.fnUntraced(function* (whole: string, user: ServerUser) {
  const spare = spareOf(whole)
  if (yield* exists(spare)) return
  const making = temporary(spare)
  yield* Effect.gen(function* () {
    yield* ownFolder(making, user)
    yield* copyFolder(join(whole, "data"), join(making, "data"), user, making)
    yield* onDisk("name a copy", spare, () => rename(making, spare))
  }).pipe(Effect.onError(() => Effect.ignore(removeFolder(making))))
})

/** Puts a copy of the template at `to`: the one that waits, or a new one as soon as the template is `settled`. */
export const take = Effect.fnUntraced(function* (
  whole: string,
  to: string,
  user: ServerUser,
  cwd: string,
  settled: Effect.Effect<void>
) {
  const spare = spareOf(whole)
  const taking = temporary(spare)
  // Under a name of one's own first: of two that come at once, one finds nothing.
  const found = yield* onDisk("take a copy", spare, () =>
    rename(spare, taking).then(
      () => true,
      () => false
    )
  )
  if (!found) return yield* Effect.andThen(settled, copyFolder(join(whole, "data"), to, user, cwd))
  yield* onDisk("take a copy", to, () => rename(join(taking, "data"), to)).pipe(
    // Templates that several data directories share may lie on another disk.
    Effect.catch(() => copyFolder(join(taking, "data"), to, user, cwd)),
    Effect.ensuring(Effect.ignore(removeFolder(taking)))
  )
})

/**
 * Makes the template unless it is there, and a first copy of it. Where there is a second processor the copy is made the
 * way the template is, at the same time, and a first deployment waits for no copying. Answers as soon as the copy can be
 * taken, with what is left to do: to put the template on the disk and to give it its name.
 */
export const ensure = Effect.fnUntraced(function* (
  options: {
    readonly engine: string
    readonly plan: ProgramPlan
    readonly programs: Programs
    readonly templates: string
    readonly user: ServerUser
  },
  progress: Progress
) {
  const { plan, programs, templates, user } = options
  const whole = join(templates, templateName(options.engine, plan, programs))
  if (yield* exists(whole)) return Effect.void
  yield* progress(`Initialising the data folder of ${options.engine} ${programs.version} (once for this version)`)
  const making = temporary(whole)
  const copying = temporary(spareOf(whole))

  const initialise = Effect.fnUntraced(function* (folder: string) {
    const data = join(folder, "data")
    yield* ownFolder(folder, user)
    yield* run(plan.initialise({ programs, data }), user, folder)
    yield* onDisk("write a file", data, () =>
      Promise.all(Object.entries(plan.files).map(([path, text]) => writeFile(join(data, path), text)))
    )
  })

  const discard = (folder: string) => Effect.ignore(removeFolder(folder))
  const both = availableParallelism() > 1 ? [making, copying] : [making]
  yield* Effect.forEach(both, initialise, { concurrency: 2, discard: true }).pipe(
    Effect.onError(() => Effect.forEach(both, discard, { discard: true }))
  )
  // A copy that is there already, of another process, does as well.
  if (both.length === 2) {
    yield* onDisk("name a copy", whole, () => rename(copying, spareOf(whole))).pipe(
      Effect.catch(() => discard(copying))
    )
  }
  return run(plan.sync({ programs, data: join(making, "data") }), user, making).pipe(
    Effect.andThen(onDisk("name a template", whole, () => rename(making, whole))),
    Effect.onError(() => discard(making))
  )
})

export const makeFolder = (folder: string): Effect.Effect<void, RuntimeError> =>
  onDisk("make a folder", folder, () => mkdir(folder, { recursive: true, mode: 0o711 }))
