/** The gateway as a library: embed it as a layer or a scoped effect. */
export * from "./client/client.ts"
export { Gateway, type Options } from "./Gateway.ts"
export type { DataPlane, Which } from "./plane/DataPlane.ts"
export type { Limits } from "./plane/userspace/limits/Limiter.ts"
