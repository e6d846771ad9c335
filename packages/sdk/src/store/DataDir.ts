/**
 * The folder that holds everything of one Berth: the store, the key ring and the hosts' own folders. It is open in one
 * process at a time; the lock is one of the operating system, so it ends with the process however that ends.
 */
import { existsSync, readFileSync } from "node:fs"
import { chmod, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Context, Effect, Layer, type Scope } from "effect"
import { DataDirInUse, DataDirNotOurs, StoreFailed } from "./StoreError.ts"

/** Says that a folder is ours before anything else is written into it. */
const marker = "berth.json"
const half = `${marker}.half`
const format = 1

export type DataDirError = DataDirInUse | DataDirNotOurs | StoreFailed

const onDisk = <A>(run: () => Promise<A>): Effect.Effect<A, StoreFailed> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => {
      const full = cause instanceof Error && "code" in cause && cause.code === "ENOSPC"
      return new StoreFailed({ detail: cause instanceof Error ? cause.message : String(cause), full })
    }
  })

const claim = Effect.fnUntraced(function* (folder: string) {
  const inside = yield* onDisk(
    (): Promise<Array<string>> =>
      readdir(folder).catch((cause) => (cause.code === "ENOENT" ? [] : Promise.reject(cause)))
  )
  if (inside.includes(marker)) {
    const text = yield* onDisk(() => readFile(join(folder, marker), "utf8"))
    const isOurs = yield* Effect.try((): unknown => JSON.parse(text).berth === format).pipe(
      Effect.orElseSucceed(() => false)
    )
    if (isOurs !== true) {
      return yield* new DataDirNotOurs({ folder, found: `a ${marker} of another format` })
    }
    return
  }
  // What a first opening leaves that was cut short, by a full disk or a kill.
  if (inside.some((name) => name !== half)) {
    return yield* new DataDirNotOurs({ folder, found: `${inside.slice(0, 3).join(", ")} and no ${marker}` })
  }
  yield* onDisk(async () => {
    await mkdir(folder, { recursive: true })
    // Others may pass through, to a server's folder that belongs to them, and not look around.
    await chmod(folder, 0o711)
    await writeFile(join(folder, half), `${JSON.stringify({ berth: format })}\n`, { mode: 0o600, flush: true })
    await rename(join(folder, half), join(folder, marker))
  })
})

/** SQLITE_BUSY: somebody else holds the lock. (sqlite.org, "Result and Error Codes".) */
const busy = 5

const isBusy = (cause: unknown): boolean => cause instanceof Error && "errcode" in cause && cause.errcode === busy

const lock = (folder: string): Effect.Effect<void, DataDirInUse | StoreFailed, Scope.Scope> => {
  const owner = join(folder, "owner")
  const whose = () => {
    try {
      return readFileSync(owner, "utf8").trim()
    } catch {
      return "a process whose number is not known"
    }
  }
  return Effect.acquireRelease(
    Effect.try({
      try: () => {
        const db = new DatabaseSync(join(folder, "lock"), { timeout: 0 })
        try {
          db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
          return db
        } catch (cause) {
          db.close()
          throw cause
        }
      },
      catch: (cause) =>
        isBusy(cause)
          ? new DataDirInUse({ folder, owner: whose() })
          : new StoreFailed({ detail: `cannot lock ${folder}: ${String(cause)}`, full: false })
    }),
    (db) => Effect.sync(() => db.close())
  ).pipe(Effect.andThen(onDisk(() => writeFile(owner, `process ${process.pid}\n`, { mode: 0o600 }))))
}

export class DataDir extends Context.Service<
  DataDir,
  {
    readonly folder: string
    readonly store: string
    readonly keys: string
    /** The part of the data directory that belongs to a host. */
    readonly hostFolder: (name: string) => string
    /** There is a store already, so there must be keys too. */
    readonly isOld: boolean
  }
>()("@berth/sdk/DataDir") {
  static readonly layer = (path: string): Layer.Layer<DataDir, DataDirError> =>
    Layer.effect(
      DataDir,
      Effect.gen(function* () {
        const folder = resolve(path)
        yield* claim(folder)
        yield* lock(folder)
        const store = join(folder, "store.sqlite")
        return DataDir.of({
          folder,
          store,
          keys: join(folder, "keys.json"),
          hostFolder: (name) => join(folder, "hosts", name),
          isOld: existsSync(store)
        })
      })
    )
}
