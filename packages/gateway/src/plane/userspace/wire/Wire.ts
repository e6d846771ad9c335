/** One side of a session before and after it is spliced: a bare handle where the runtime offers them, or a socket. */
import { connect as connectSocket, Socket } from "node:net"
import { TLSSocket } from "node:tls"
import * as Handle from "./Handle.ts"

export type Wire = Handle.Handle | Socket

/** Seconds of silence before the kernel asks whether the other end is still there. */
export const keepAliveSeconds = 60

export const isSocket = (wire: Wire): wire is Socket => wire instanceof Socket

export interface Peer {
  readonly address: string
  readonly port: number
}

const peerOfSocket = (address: string | undefined, port: number | undefined): Peer | undefined =>
  address === undefined || port === undefined ? undefined : { address: Handle.lifted(address), port }

/** Address and port of the other end; an IPv4 client of a dual-stack listener bears its IPv4 address. */
export const peerOf = (wire: Wire): Peer | undefined =>
  isSocket(wire) ? peerOfSocket(wire.remoteAddress, wire.remotePort) : Handle.peerOf(wire)

/** Address and port of this end. */
export const localOf = (wire: Wire): Peer | undefined =>
  isSocket(wire) ? peerOfSocket(wire.localAddress, wire.localPort) : Handle.localOf(wire)

export const close = (wire: Wire): void => {
  if (isSocket(wire)) wire.destroy()
  else wire.close()
}

/** Breaks off with a reset, which also leaves no half-closed state in the kernel. */
export const reset = (wire: Wire): void => {
  if (!isSocket(wire)) wire.reset()
  else if (wire instanceof TLSSocket) wire.destroy()
  else wire.resetAndDestroy()
}

/** Sets what every accepted and every dialled connection has: no delay, keep-alive. */
export const tune = (wire: Wire): void => {
  if (isSocket(wire)) {
    wire.setNoDelay(true)
    wire.setKeepAlive(true, keepAliveSeconds * 1000)
  } else {
    wire.setNoDelay(true)
    wire.setKeepAlive(true, keepAliveSeconds)
  }
}

/** Sends bytes outside of the splice, such as an answer to a question that comes before TLS. */
export const send = (wire: Wire, bytes: Uint8Array): void => {
  if (isSocket(wire)) {
    wire.write(bytes)
    return
  }
  const request = Handle.makeWrite()
  request.oncomplete = ignore
  request.bytes = bytes
  wire.writeBuffer(request, bytes)
}

function ignore(): void {}

/** Sends the last bytes and ends properly. */
export const sendLast = (wire: Wire, bytes: Uint8Array): void => {
  if (isSocket(wire)) {
    wire.end(bytes)
    wire.destroySoon()
    return
  }
  send(wire, bytes)
  const request = Handle.makeShutdown()
  request.oncomplete = () => wire.close()
  if (wire.shutdown(request) !== 0) wire.close()
}

/** A socket over the handle, which reads `head` first. Nothing is read before somebody asks. */
export const toSocket = (wire: Wire, head: Uint8Array): Socket => {
  const socket = isSocket(wire) ? wire : Handle.toSocket(wire)
  if (head.length > 0) socket.unshift(head)
  return socket
}

export interface Attempt {
  cancel(): void
}

const timedOut = "ETIMEDOUT"

/** Dials one address. `done` is called once, unless cancelled. */
export const dial = (
  address: string,
  port: number,
  milliseconds: number,
  done: (error: string | undefined, wire: Wire | undefined) => void
): Attempt => (Handle.available ? dialHandle : dialSocket)(address, port, milliseconds, done)

const dialHandle: typeof dial = (address, port, milliseconds, done) => {
  const handle = Handle.makeSocket()
  const request = Handle.makeConnect()
  let settled = false
  const settle = (error: string | undefined) => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    if (error !== undefined) handle.close()
    else tune(handle)
    done(error, error === undefined ? handle : undefined)
  }
  const timer = setTimeout(settle, milliseconds, timedOut)
  request.oncomplete = (status) => settle(status === 0 ? undefined : `status ${status}`)
  const status = address.includes(":")
    ? handle.connect6(request, address, port)
    : handle.connect(request, address, port)
  if (status !== 0) queueMicrotask(() => settle(`status ${status}`))
  return {
    cancel: () => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      handle.close()
    }
  }
}

const dialSocket: typeof dial = (address, port, milliseconds, done) => {
  const socket = connectSocket({ host: address, port, allowHalfOpen: true })
  let settled = false
  const settle = (error: string | undefined) => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    if (error !== undefined) socket.destroy()
    else {
      socket.pause()
      tune(socket)
    }
    done(error, error === undefined ? socket : undefined)
  }
  const timer = setTimeout(settle, milliseconds, timedOut)
  socket.once("connect", () => settle(undefined))
  socket.on("error", (error) => settle(error.message))
  return {
    cancel: () => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      socket.destroy()
    }
  }
}
