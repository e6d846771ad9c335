/**
 * One direction of a session over bare handles. A chunk is read into the pump's own buffer and written from it before
 * the read returns; only when the kernel did not take it at once does the pump stop reading until it did. So there is
 * never more than one chunk in flight, and a chunk costs no promise and no allocation beyond a view of its length,
 * which is kept for the next chunk of the same length.
 */
import type { Meter } from "../limits/Meter.ts"
import * as Buffers from "./Buffers.ts"
import * as Handle from "./Handle.ts"
import type { Splice } from "./Splice.ts"

/** Reasons to stand still. */
const writing = 1
const metered = 2

/** Reads in a row that would have fitted into a small buffer before a large one is given back. */
const quietReads = 16

const nothing = new Uint8Array(0)

export class Pump {
  readonly from: Handle.Handle
  readonly to: Handle.Handle
  readonly splice: Splice
  bytes = 0
  /** The source has ended, and the other side was told. */
  ended = false
  /** The other side has acknowledged the end. */
  finished = false
  /** A large buffer is leased and nothing was read since the last sweep. */
  stale = false
  private readonly meters: ReadonlyArray<Meter> | null
  private buffer: Uint8Array
  private view: Uint8Array
  private request: Handle.WriteRequest | null = null
  private still = 0
  private quiet = 0

  constructor(from: Handle.Handle, to: Handle.Handle, splice: Splice, meters: ReadonlyArray<Meter> | null) {
    this.from = from
    this.to = to
    this.splice = splice
    this.meters = meters
    this.buffer = Buffers.leaseSmall()
    this.view = this.buffer
    from.reader = this
    from.onread = onRead
    from.useUserBuffer(this.buffer)
  }

  /** Starts, after the bytes that belong in front. */
  start(head: Uint8Array | undefined) {
    if (this.splice.over) return
    if (head !== undefined && head.length > 0) this.write(head)
    if (this.still === 0 && !this.splice.over) this.from.readStart()
  }

  /** Writes a chunk; true when the kernel took all of it. */
  write(chunk: Uint8Array): boolean {
    let request = this.request
    if (request === null) {
      request = Handle.makeWrite()
      request.oncomplete = onWritten
      request.owner = this
      this.request = request
    }
    const status = this.to.writeBuffer(request, chunk)
    if (status !== 0) {
      this.splice.broken(this, false, status)
      return true
    }
    if (Handle.state[Handle.wroteLater] === 0) return true
    // The request belongs to the kernel's queue until it completes; only then may it be used again.
    request.bytes = chunk
    this.request = null
    this.stop(writing)
    return false
  }

  received(length: number): Uint8Array | undefined {
    this.bytes += length
    this.stale = false
    const buffer = this.buffer
    let view = this.view
    if (view.length !== length) {
      view = length === buffer.length ? buffer : buffer.subarray(0, length)
      this.view = view
    }
    this.write(view)
    if (this.splice.over) return undefined
    if (this.meters !== null) for (const meter of this.meters) if (!meter.spend(length)) this.hold(meter)
    return length === buffer.length ? this.grow() : this.calm(length)
  }

  /** Called by a meter that has bytes to give again. */
  released() {
    this.resume(metered)
  }

  written(request: Handle.WriteRequest, status: number) {
    request.bytes = null
    this.request = request
    if (this.splice.over) return this.recycle()
    if (status < 0) return this.splice.broken(this, false, status)
    this.resume(writing)
  }

  /** Gives a large buffer of a quiet direction back. The next read uses the small one. */
  sweep() {
    if (!this.busy || this.splice.over || this.still !== 0) return
    if (!this.stale) {
      this.stale = true
      return
    }
    const next = Buffers.leaseSmall()
    Buffers.giveBack(this.buffer)
    this.take(next)
    this.from.useUserBuffer(next)
  }

  get busy(): boolean {
    return this.buffer.length === Buffers.large
  }

  /** The session is over. A buffer that the kernel still writes from is given back when it has let go of it. */
  dispose() {
    if ((this.still & writing) === 0) this.recycle()
  }

  private recycle() {
    Buffers.giveBack(this.buffer)
    this.buffer = nothing
    this.view = nothing
  }

  private hold(meter: Meter) {
    this.stop(metered)
    meter.wait(this)
  }

  private stop(reason: number) {
    if (this.still === 0) this.from.readStop()
    this.still |= reason
  }

  private resume(reason: number) {
    this.still &= ~reason
    if (this.still === 0 && !this.splice.over && !this.ended) this.from.readStart()
  }

  private grow(): Uint8Array | undefined {
    this.quiet = 0
    // A buffer that is still being written from cannot be given back; the next read that fills it is early enough.
    if (this.buffer.length !== Buffers.small || this.still !== 0) return undefined
    this.splice.grew()
    Buffers.giveBack(this.buffer)
    return this.take(Buffers.leaseLarge())
  }

  private calm(length: number): Uint8Array | undefined {
    if (this.buffer.length === Buffers.small) return undefined
    if (length > Buffers.small || this.still !== 0) {
      this.quiet = 0
      return undefined
    }
    this.quiet += 1
    if (this.quiet < quietReads) return undefined
    Buffers.giveBack(this.buffer)
    return this.take(Buffers.leaseSmall())
  }

  private take(buffer: Uint8Array): Uint8Array {
    this.quiet = 0
    this.buffer = buffer
    this.view = buffer
    return buffer
  }
}

function onRead(this: Handle.Handle): Uint8Array | undefined {
  const pump = this.reader
  if (!(pump instanceof Pump) || pump.splice.over) return undefined
  const length = Handle.state[Handle.readResult] ?? 0
  try {
    if (length > 0) return pump.received(length)
    if (length === Handle.endOfFile) pump.splice.endedFrom(pump)
    else if (length < 0) pump.splice.broken(pump, true, length)
  } catch (error) {
    pump.splice.failed(error)
  }
  return undefined
}

function onWritten(this: Handle.WriteRequest, status: number) {
  const pump = this.owner
  if (pump instanceof Pump) pump.written(this, status)
}
