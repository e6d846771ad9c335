/** What a program that drives a gateway needs: the schema of a route and the typed client of the admin API. */
export { AdminApi, Grace, graceMillis, RouteInService } from "./AdminApi.ts"
export { AdminClient } from "./AdminClient.ts"
export * from "./Connection.ts"
export * from "./Errors.ts"
export * from "./Route.ts"
export * as Table from "./Table.ts"
export * from "./Tls.ts"
