/** What a program that drives a gateway needs: the schema of a route. */
export * from "./Route.ts"
