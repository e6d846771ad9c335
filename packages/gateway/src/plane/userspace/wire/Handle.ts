/**
 * Node's TCP handles without `net.Socket` around them: the one file that touches what Node does not document. A socket
 * object costs 9 KB for an idle session and a fifth of the processor time of a request; the handle below it costs
 * neither. `available` is false where the runtime does not offer them, and the gateway then carries bytes with plain
 * `data` events.
 */
import { type Server, Socket, type SocketConstructorOpts } from "node:net"

export interface Handle {
  onread: (this: Handle, chunk?: ArrayBuffer) => Uint8Array | undefined
  onconnection: (this: Handle, status: number, client?: Handle) => void
  /** Whoever reads from this handle; set before reading starts. */
  reader: unknown
  readonly fd: number
  bind(address: string, port: number, flags: number): number
  bind6(address: string, port: number, flags: number): number
  listen(backlog: number): number
  connect(request: ConnectRequest, address: string, port: number): number
  connect6(request: ConnectRequest, address: string, port: number): number
  getpeername(out: Endpoint): number
  getsockname(out: Endpoint): number
  setNoDelay(on: boolean): number
  setKeepAlive(on: boolean, seconds: number): number
  readStart(): number
  readStop(): number
  useUserBuffer(buffer: Uint8Array): number
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
  shutdown(request: ShutdownRequest): number
  reset(): number
  close(): void
}

export interface Endpoint {
  address?: string
  port?: number
  family?: string
}

export interface ConnectRequest {
  oncomplete: (status: number, handle: Handle) => void
}
export interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void
  /** Keeps the bytes alive until the kernel has taken them. */
  bytes: Uint8Array | null
  owner: unknown
}
export interface ShutdownRequest {
  oncomplete: (this: ShutdownRequest, status: number) => void
  owner: unknown
}

interface TcpBinding {
  readonly TCP: new (kind: number) => Handle
  readonly TCPConnectWrap: new () => ConnectRequest
  readonly constants: Readonly<Record<string, number>>
}
interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest
  readonly ShutdownWrap: new () => ShutdownRequest
  readonly streamBaseState: Int32Array
  readonly kReadBytesOrError: number
  readonly kArrayBufferOffset: number
  readonly kLastWriteWasAsync: number
}

// The edge: these shapes are Node's own and checked by `probe` before anything relies on them.
const internals = process as unknown as { binding?(name: "tcp_wrap"): TcpBinding } & {
  binding?(name: "stream_wrap"): StreamBinding
}

const probe = (): { readonly tcp: TcpBinding; readonly stream: StreamBinding } | undefined => {
  if (process.env.BERTH_GATEWAY_PLAIN_SOCKETS === "1" || internals.binding === undefined) return undefined
  try {
    const tcp: TcpBinding = internals.binding("tcp_wrap")
    const stream: StreamBinding = internals.binding("stream_wrap")
    const handle = new tcp.TCP(tcp.constants.SOCKET ?? 0)
    const methods = [
      "useUserBuffer",
      "writeBuffer",
      "readStart",
      "readStop",
      "shutdown",
      "reset",
      "getpeername"
    ] as const
    const whole =
      methods.every((name) => typeof handle[name] === "function") &&
      [stream.kReadBytesOrError, stream.kArrayBufferOffset, stream.kLastWriteWasAsync].every(Number.isInteger) &&
      typeof stream.WriteWrap === "function" &&
      typeof stream.ShutdownWrap === "function" &&
      typeof tcp.TCPConnectWrap === "function"
    handle.close()
    return whole ? { tcp, stream } : undefined
  } catch {
    // A runtime without these internals is what the fallback is for.
    return undefined
  }
}

const found = probe()

/** Whether this runtime offers bare handles. `BERTH_GATEWAY_PLAIN_SOCKETS=1` turns them off. */
export const available = found !== undefined

const bindings = (): NonNullable<typeof found> => {
  if (found === undefined) throw new Error("bare TCP handles are not offered by this runtime")
  return found
}

export const makeServer = (): Handle => new (bindings().tcp.TCP)(bindings().tcp.constants.SERVER ?? 1)
export const makeSocket = (): Handle => new (bindings().tcp.TCP)(bindings().tcp.constants.SOCKET ?? 0)
export const makeConnect = (): ConnectRequest => new (bindings().tcp.TCPConnectWrap)()
export const makeWrite = (): WriteRequest => new (bindings().stream.WriteWrap)()
export const makeShutdown = (): ShutdownRequest => new (bindings().stream.ShutdownWrap)()

/** Flags of `bind`. The second is 0 where the runtime cannot share a port. */
export const ipv6Only = found?.tcp.constants.UV_TCP_IPV6ONLY ?? 1
export const reusePort = found?.tcp.constants.UV_TCP_REUSEPORT ?? 0

/** What the last read, and the last write, did. Valid inside the callback alone. */
export const state: Int32Array = found?.stream.streamBaseState ?? new Int32Array(8)
export const readResult = found?.stream.kReadBytesOrError ?? 0
export const chunkOffset = found?.stream.kArrayBufferOffset ?? 0
export const wroteLater = found?.stream.kLastWriteWasAsync ?? 0

/** libuv's end-of-file. */
export const endOfFile = -4095

/** An IPv4 address that came as an IPv6 one, as itself. */
export const lifted = (text: string): string =>
  text.startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text

/** Address and port of the other end; an IPv4 client of a dual-stack listener bears its IPv4 address. */
export const peerOf = (handle: Handle): { readonly address: string; readonly port: number } | undefined => {
  const out: Endpoint = {}
  return handle.getpeername(out) === 0 && out.address !== undefined && out.port !== undefined
    ? { address: lifted(out.address), port: out.port }
    : undefined
}

/** Address and port of this end. */
export const localOf = (handle: Handle): { readonly address: string; readonly port: number } | undefined => {
  const out: Endpoint = {}
  return handle.getsockname(out) === 0 && out.address !== undefined && out.port !== undefined
    ? { address: lifted(out.address), port: out.port }
    : undefined
}

/** A socket over the handle, which from then on is the socket's. Nothing is read before somebody asks. */
export const toSocket = (handle: Handle): Socket => {
  // What Node's own server passes when it accepts; the public type names neither option.
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, readable: true, writable: true }
  return new Socket(options as unknown as SocketConstructorOpts)
}

/** The handle that a listening server accepts from. */
export const ofServer = (server: Server): Handle | undefined =>
  "_handle" in server && server._handle !== null ? (server._handle as Handle) : undefined
