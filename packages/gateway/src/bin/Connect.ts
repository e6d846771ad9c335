/** The near end of a tunnel: a local port whose connections go through WebSockets to one route of a gateway. */
import { createServer, type Socket } from "node:net"
import { Effect, Redacted, Schema } from "effect"
import { WebSocket } from "ws"
import { parseAddress } from "../admin/Authority.ts"
import { TunnelStream } from "../tunnel/TunnelStream.ts"

export interface Options {
  /** `ws://` or `wss://`, ending in `/v1/tunnel/<route>`. */
  readonly url: string
  readonly listen: string
  readonly token: Redacted.Redacted
}

export class ConnectRefused extends Schema.TaggedError<ConnectRefused>("@berth/gateway/ConnectRefused")(
  "ConnectRefused",
  { code: Schema.Literal("CONNECT_REFUSED"), message: Schema.String }
) {
  static readonly of = (message: string): ConnectRefused => new ConnectRefused({ code: "CONNECT_REFUSED", message })
}

/** Carries one local connection. */
const carry = (socket: Socket, { url, token }: Options, report: (problem: string) => void): void => {
  const bearer = Redacted.value(token)
  const tunnel = new WebSocket(url, ["berth"], {
    perMessageDeflate: false,
    handshakeTimeout: 15_000,
    headers: bearer === "" ? {} : { authorization: `Bearer ${bearer}` }
  })
  const stream = new TunnelStream(tunnel)
  socket.setNoDelay(true)
  socket.on("error", () => stream.destroy())
  stream.on("error", (error) => {
    report(error.message)
    socket.resetAndDestroy()
  })
  socket.pipe(stream)
  stream.pipe(socket)
}

/** Listens until interrupted. */
export const run = Effect.fn("Connect.run")(function* (options: Options) {
  const address = parseAddress(options.listen)
  if (address === undefined || !URL.canParse(options.url) || !/^wss?:$/.test(new URL(options.url).protocol)) {
    return yield* ConnectRefused.of(
      `cannot bring ${options.url} to ${options.listen}; the first is a ws:// or wss:// address, the second host:port`
    )
  }
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    carry(socket, options, (problem) => void runFork(Effect.logWarning(`the tunnel broke off: ${problem}`)))
  )
  yield* Effect.acquireRelease(
    Effect.callback<void, ConnectRefused>((resume) => {
      server.once("error", (error) => resume(Effect.fail(ConnectRefused.of(error.message))))
      const opened = () => resume(Effect.void)
      if (address.kind === "unix") server.listen(address.path, opened)
      else server.listen(address.port, address.host, opened)
    }),
    () => Effect.sync(() => server.close())
  )
  yield* Effect.logInfo(`${options.listen} reaches ${options.url}`)
  return yield* Effect.never
})
