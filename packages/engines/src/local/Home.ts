/** The folders of the runtime `local`, as whom its servers run, and what an earlier process left half-done there. */
import { readdir, rmdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { onDisk } from "./disk.ts"
import { removing } from "./ServerFolder.ts"
import { reachableFolder, removeFolder, type ServerUser, serverUser } from "./ServerUser.ts"
import * as Template from "./Template.ts"

export interface Home {
  readonly servers: string
  readonly templates: string
  readonly programs: string
  readonly user: ServerUser
}

/** Goes on with removals that an earlier process did not finish. */
const finishRemovals = (servers: string) =>
  onDisk("list the servers", servers, () => readdir(servers)).pipe(
    Effect.flatMap((names) =>
      Effect.forEach(
        names.filter((name) => name.startsWith(removing)),
        (name) => removeFolder(join(servers, name)),
        { discard: true }
      )
    )
  )

/** Opens the folders below `folder` and clears away what an earlier process left half-done. */
export const openHome = Effect.fnUntraced(function* (folder: string, templates: string | undefined) {
  const user = yield* serverUser
  const base = yield* reachableFolder(folder, user)
  const home: Home = {
    servers: join(base, "servers"),
    templates: templates ?? join(base, "templates"),
    programs: join(base, "programs"),
    user
  }
  for (const part of [home.servers, home.templates, home.programs]) yield* Template.makeFolder(part)
  yield* Template.removeHalfMade(home.templates, { isShared: templates !== undefined })
  yield* Template.removeHalfMade(home.programs, { isShared: false })
  yield* finishRemovals(home.servers)
  yield* Effect.addFinalizer(() => (base === folder ? Effect.void : Effect.ignore(removeIfUnused(home, base, folder))))
  return home
})

/** A folder outside of the data directory stays only for as long as a server is in it. */
const removeIfUnused = (home: Home, base: string, link: string) =>
  onDisk("remove a folder", base, () => rmdir(home.servers)).pipe(
    Effect.andThen(removeFolder(base)),
    Effect.andThen(removeFolder(link)),
    Effect.andThen(onDisk("remove a folder", dirname(base), () => rmdir(dirname(base))))
  )
