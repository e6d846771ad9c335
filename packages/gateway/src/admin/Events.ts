/** What a watcher is told over the WebSocket: everything at first, then the state of each second. */
import { Effect } from "effect"
import type { WebSocket } from "ws"
import { Gateway } from "../Gateway.ts"
import { Traffic } from "./Traffic.ts"

/** Live sessions that are shown; the admin API lists all. */
const shownSessions = 200
/** Bytes that a watcher may be behind before it is let go. */
const mostBehind = 4 << 20

export interface Events {
  readonly add: (watcher: WebSocket) => void
}

/** Samples each second, whether or not anybody watches: the chart has a past. Ends with the scope. */
export const make = Effect.gen(function* () {
  const gateway = yield* Gateway
  const watchers = new Set<WebSocket>()
  const traffic = new Traffic()
  let state = ""

  const look = Effect.gen(function* () {
    const counters = yield* gateway.counters
    const sample = traffic.add(counters, Date.now())
    if (watchers.size === 0) return
    const table = yield* gateway.table
    const connections = yield* gateway.connections
    const byId = new Map(counters.routes.map((route) => [route.route, route]))
    state = JSON.stringify({
      type: "state",
      revision: table.revision,
      sample,
      routes: table.routes.map((route) => ({
        id: route.id,
        port: route.port,
        target: route.target,
        open: byId.get(route.id)?.open ?? 0,
        accepted: byId.get(route.id)?.accepted ?? 0,
        refused: Object.values(byId.get(route.id)?.refused ?? {}).reduce((sum, count) => sum + count, 0),
        bytesUp: byId.get(route.id)?.bytesUp ?? 0,
        bytesDown: byId.get(route.id)?.bytesDown ?? 0,
        healthy: byId.get(route.id)?.healthy ?? true
      })),
      sessions: connections.slice(-shownSessions),
      sessionCount: connections.length
    })
    for (const watcher of watchers) {
      if (watcher.bufferedAmount > mostBehind) watcher.terminate()
      else watcher.send(state)
    }
  })

  yield* look.pipe(Effect.andThen(Effect.sleep("1 second")), Effect.forever, Effect.forkScoped)

  const run = Effect.runForkWith(yield* Effect.context<never>())
  const events: Events = {
    add: (watcher) => {
      watchers.add(watcher)
      watcher.on("close", () => watchers.delete(watcher))
      watcher.on("error", () => watcher.terminate())
      watcher.on("message", () => watcher.close(1003, "this door only speaks"))
      watcher.send(JSON.stringify({ type: "history", samples: traffic.samples }))
      run(look)
    }
  }
  return events
})
