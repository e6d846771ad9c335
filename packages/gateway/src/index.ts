/** The gateway as a library. */
export * from "./client/client.ts"
