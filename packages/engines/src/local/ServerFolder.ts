/**
 * The folder of one server: `server.json` says whose it is, `data` is what the server owns, `pid` names its process,
 * `log` holds what it wrote. A server exists when its `server.json` does.
 */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { fail, NotOurs, type RuntimeError } from "../RuntimeError.ts"
import { onDisk, writeWhole } from "./disk.ts"
import { ownFolder, type ServerUser } from "./ServerUser.ts"

export const Manifest = Schema.Struct({
  format: Schema.Literal(1),
  id: Schema.String,
  engine: Schema.String,
  version: Schema.String,
  labels: Schema.Record(Schema.String, Schema.String),
  /** Port by endpoint, once the operating system has given them. */
  ports: Schema.Record(Schema.String, Schema.Int),
  stop: Schema.Struct({ signal: Schema.String, graceMillis: Schema.Number })
})
export type Manifest = typeof Manifest.Type

const ManifestText = Schema.fromJsonString(Manifest)
const decode = Schema.decodeUnknownEffect(ManifestText)
const encode = Schema.encodeSync(ManifestText)

export interface ServerFolder {
  readonly id: string
  readonly path: string
  readonly manifest: string
  readonly data: string
  readonly pid: string
  readonly log: string
}

export const serverFolder = (servers: string, id: string): ServerFolder => {
  const path = join(servers, id)
  return {
    id,
    path,
    manifest: join(path, "server.json"),
    data: join(path, "data"),
    pid: join(path, "pid"),
    log: join(path, "log", "server.log")
  }
}

/** `undefined` when there is no such folder. Fails with `NotOurs` for one that Berth did not make. */
export const readManifest = (folder: ServerFolder): Effect.Effect<Manifest | undefined, RuntimeError> =>
  Effect.gen(function* () {
    const found = yield* onDisk("look at a server's folder", folder.path, () =>
      readFile(folder.manifest, "utf8").catch((cause) => (cause.code === "ENOENT" ? undefined : Promise.reject(cause)))
    )
    if (found !== undefined) {
      return yield* decode(found).pipe(
        Effect.mapError(() =>
          fail(new NotOurs({ folder: folder.path, found: "its server.json is not one of Berth's" }))
        )
      )
    }
    const inside = yield* onDisk("look at a server's folder", folder.path, () =>
      readdir(folder.path).catch((cause) => (cause.code === "ENOENT" ? [] : Promise.reject(cause)))
    )
    // A crash between making the folder and writing `server.json` leaves it empty or with the half-written file.
    if (inside.every((name) => name === "server.json.half")) return undefined
    return yield* Effect.fail(fail(new NotOurs({ folder: folder.path, found: "it has no server.json" })))
  })

export const writeManifest = (
  folder: ServerFolder,
  manifest: Manifest,
  user: ServerUser
): Effect.Effect<void, RuntimeError> =>
  ownFolder(folder.path, user).pipe(Effect.andThen(writeWhole(folder.manifest, encode(manifest))))

/** In front of the name of a server's folder that is being removed: it is no server any more. */
export const removing = ".removing-"

/** Ids of all servers below `servers`; what else lies there is not listed. */
export const listFolders = (servers: string): Effect.Effect<ReadonlyArray<ServerFolder>, RuntimeError> =>
  onDisk("list the servers", servers, () => readdir(servers, { withFileTypes: true })).pipe(
    Effect.map((entries) =>
      entries
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith(removing))
        .map((entry) => serverFolder(servers, entry.name))
    )
  )
