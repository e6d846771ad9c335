/**
 * Reads the first bytes of a connection before it is known what to do with it: a PROXY header, a ClientHello, a
 * Postgres answer. Reading stops with the byte that decides; what was read beyond it stays with the caller.
 */
import type { Socket } from "node:net"
import * as Handle from "./Handle.ts"
import * as Wire from "./Wire.ts"

/** Why nothing could be decided: too slow, or the other end went away. */
export type Failure = "slow" | "gone"

export interface Peek {
  cancel(): void
}

/**
 * Hands all bytes so far to `step` each time more arrive, until it says true. One of `step` saying true and `fail` ends
 * the reading; the time limit is for all of it.
 */
export const peek = (
  wire: Wire.Wire,
  milliseconds: number,
  step: (bytes: Uint8Array) => boolean,
  fail: (why: Failure) => void
): Peek => {
  let bytes: Uint8Array = new Uint8Array(0)
  let over = false
  const stop = () => {
    if (over) return
    over = true
    clearTimeout(timer)
    source.stop()
  }
  const failed = (why: Failure) => {
    if (over) return
    stop()
    fail(why)
  }
  const timer = setTimeout(failed, milliseconds, "slow")
  const source = (Wire.isSocket(wire) ? fromSocket : fromHandle)(
    wire,
    (chunk) => {
      if (over) return
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      // Reading stops before the step runs: it may hand the wire on, and nothing must be read past its back.
      source.pause()
      if (step(bytes)) stop()
      else if (!over) source.start()
    },
    () => failed("gone")
  )
  source.start()
  return { cancel: stop }
}

interface Source {
  start(): void
  pause(): void
  stop(): void
}

const fromHandle = (wire: Wire.Wire, received: (chunk: Uint8Array) => void, gone: () => void): Source => {
  if (Wire.isSocket(wire)) return fromSocket(wire, received, gone)
  const handle = wire
  handle.onread = (chunk) => {
    const length = Handle.state[Handle.readResult] ?? 0
    if (length > 0 && chunk !== undefined) {
      received(new Uint8Array(chunk, Handle.state[Handle.chunkOffset] ?? 0, length))
    } else if (length < 0) gone()
    return undefined
  }
  return {
    start: () => void handle.readStart(),
    pause: () => void handle.readStop(),
    stop: () => void handle.readStop()
  }
}

const fromSocket = (wire: Wire.Wire, received: (chunk: Uint8Array) => void, gone: () => void): Source => {
  const socket: Socket | undefined = Wire.isSocket(wire) ? wire : undefined
  socket?.on("data", received)
  socket?.on("end", gone)
  socket?.on("error", gone)
  return {
    start: () => void socket?.resume(),
    pause: () => void socket?.pause(),
    stop: () => {
      socket?.pause()
      socket?.off("data", received)
      socket?.off("end", gone)
      socket?.off("error", gone)
      // Whoever takes the socket over listens anew; until then an error must not go unheard.
      socket?.on("error", ignore)
    }
  }
}

function ignore(): void {}
