/** Which data a deployment takes over, if it was asked to. */
import { type Kept, KeptDataUnfit, type Runtime, RuntimeError } from "@berth/engines"
import { Effect } from "effect"
import type { Database } from "../databases/Database.ts"

/**
 * A deployment that took data over and was undone has left it under its own id, where the next one finds it. Fails with
 * `KeptDataUnfit` when the data is not there.
 */
export const keptFor = Effect.fnUntraced(function* (runtime: Runtime, database: Database) {
  const { adopts, id, name } = database
  if (adopts === undefined) return undefined
  const all: ReadonlyArray<Kept> = yield* runtime.kept?.list ?? Effect.succeed([])
  const found = all.find((kept) => kept.id === id) ?? all.find((kept) => kept.id === adopts)
  if (found !== undefined) return found
  // Taken over already: the step is run again.
  const server = yield* runtime.inspect(id)
  if (server !== undefined) return undefined
  const problem = `the host keeps no data under "${adopts}" for "${name}" to take over`
  return yield* new RuntimeError({ reason: new KeptDataUnfit({ kept: adopts, problem }) })
})
