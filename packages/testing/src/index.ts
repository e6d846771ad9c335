/** What a test of a product that embeds Berth needs: servers in memory, and a plan of what goes wrong. */
export { crashAfter, crashBefore, failAt, faults, slow } from "./faults/faults.ts"
export { type MemoryHost, type MemorySession, memory, type SessionDetails } from "./memory/memory.ts"
