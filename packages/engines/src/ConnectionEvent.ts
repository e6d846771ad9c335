/** What a line of a server's log tells of a connection: who came from where, and whether the server let them in. */
export interface ConnectionEvent {
  readonly what: "connected" | "authenticated" | "refused" | "disconnected"
  readonly username?: string
  readonly database?: string
  /** Address of the client as the server saw it, without its port. */
  readonly from?: string
  /** Why it was refused, in the server's words. */
  readonly detail?: string
}
