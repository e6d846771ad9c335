/** Servers that exist only in memory. */
import { memory } from "@berth/testing"
import type { Place } from "./place.ts"

export const memoryPlace = (): Place => {
  const host = memory()
  return {
    host,
    database: { engine: "postgres" },
    connect: async (details) => {
      const session = await host.session(details)
      return { write: session.put, read: session.get, close: async () => {} }
    },
    kill: async (_, id) => host.crash(id),
    vanish: async (_, id) => host.vanish(id),
    leftovers: async () => host.servers()
  }
}
