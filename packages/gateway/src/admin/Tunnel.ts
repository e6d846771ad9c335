/**
 * The WebSocket door: `wss://…/v1/tunnel/<route>` carries the bytes of a route for clients that can only speak HTTPS.
 * The token comes as `Authorization: Bearer …`, or as the subprotocol `berth.token.<token>` from where no header can be
 * set. Limits and allow-lists of the route hold here too.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { Redacted } from "effect"
import { type WebSocket, WebSocketServer } from "ws"
import type { Route } from "../client/Route.ts"
import { TunnelStream } from "../tunnel/TunnelStream.ts"
import * as Authority from "./Authority.ts"
import type { Events } from "./Events.ts"

const subprotocol = "berth"
const tokenPrefix = "berth.token."
/** Bytes of one message: whoever sends more is no client of ours. */
const longestMessage = 1 << 20

export interface Options {
  readonly token: Redacted.Redacted | undefined
  readonly find: (route: string) => Route | undefined
  readonly open: (route: string, client: Duplex, address: string, port: number) => boolean
  /** Left out on a public door, which carries tunnels and nothing else. */
  readonly events: Events | undefined
}

const offered = (request: IncomingMessage): ReadonlyArray<string> =>
  (request.headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim())

const tokenOf = (request: IncomingMessage): string | undefined => {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1]
  return (
    bearer ??
    offered(request)
      .find((each) => each.startsWith(tokenPrefix))
      ?.slice(tokenPrefix.length)
  )
}

/** A page of another site can open a WebSocket here; a browser then says whose page it is. */
const isOwnPage = (request: IncomingMessage): boolean => {
  const { origin, host } = request.headers
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}

const refuse = (socket: Duplex, status: string) => {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/** Handles `upgrade` of an HTTP server. */
export const make = (options: Options) => {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: longestMessage,
    perMessageDeflate: false,
    handleProtocols: (protocols) => (protocols.has(subprotocol) ? subprotocol : false)
  })

  const isAdmin = (request: IncomingMessage): boolean => {
    if (options.token === undefined) return Authority.isOwnHost(request.headers.host) && isOwnPage(request)
    const given = tokenOf(request)
    return given !== undefined && Authority.isToken(given, options.token)
  }

  const mayOpen = (request: IncomingMessage, route: Route): boolean => {
    const given = tokenOf(request)
    const granted = given !== undefined && Authority.isOneOf(given, route.tunnel?.tokens ?? [])
    return granted || (options.token !== undefined || options.events !== undefined ? isAdmin(request) : false)
  }

  const accept = (request: IncomingMessage, socket: Socket, head: Buffer, then: (socket: WebSocket) => void): void =>
    server.handleUpgrade(request, socket, head, then)

  return (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy())
    const path = (request.url ?? "").split("?")[0] ?? ""
    if (path === "/v1/events" && options.events !== undefined) {
      if (!isAdmin(request)) return refuse(socket, "401 Unauthorized")
      const { events } = options
      return accept(request, socket, head, (watcher) => events.add(watcher))
    }
    const id = /^\/v1\/tunnel\/([a-z0-9_.-]+)$/.exec(path)?.[1]
    const route = id === undefined ? undefined : options.find(id)
    // A route that is not there and a token that is wrong look the same from outside.
    if (id === undefined || route === undefined || !mayOpen(request, route)) return refuse(socket, "401 Unauthorized")
    const { remoteAddress = "", remotePort = 0 } = socket
    accept(request, socket, head, (client) => {
      const stream = new TunnelStream(client)
      stream.on("error", () => undefined)
      if (!options.open(id, stream, remoteAddress.replace(/^::ffff:(?=.*\.)/, ""), remotePort)) client.close(1011)
    })
  }
}
