/** Both directions of a session over bare handles, from the first byte to the last. */
import type { Ending } from "../../../client/Connection.ts"
import type { Meter } from "../limits/Meter.ts"
import * as Handle from "./Handle.ts"
import { Pump } from "./Pump.ts"

/** What a session can do with its two wires, however they are carried. */
export interface Carrier {
  readonly bytesUp: number
  readonly bytesDown: number
  /** Breaks both sides off: a reset, so that neither takes a cut for a proper end. */
  abort(): void
  /** Gives back what a quiet session does not need; see {@link Pump.sweep}. False: nothing left to give back. */
  sweep(): boolean
}

/** Called once, when both sides are closed. */
export interface Listener {
  carried(ending: Ending, error?: unknown): void
  /** The session has begun to hold memory that {@link Carrier.sweep} gives back. */
  carriesMuch(): void
}

export class Splice implements Carrier {
  over = false
  private readonly listener: Listener
  private readonly up: Pump
  private readonly down: Pump

  constructor(client: Handle.Handle, target: Handle.Handle, listener: Listener, meters: ReadonlyArray<Meter> | null) {
    this.listener = listener
    this.up = new Pump(client, target, this, meters)
    this.down = new Pump(target, client, this, meters)
  }

  /** `toTarget` and `toClient` are bytes that belong before what is read. */
  start(toTarget: Uint8Array | undefined, toClient?: Uint8Array): void {
    this.up.start(toTarget)
    this.down.start(toClient)
  }

  get bytesUp(): number {
    return this.up.bytes
  }

  get bytesDown(): number {
    return this.down.bytes
  }

  sweep(): boolean {
    this.up.sweep()
    this.down.sweep()
    return this.up.busy || this.down.busy
  }

  grew(): void {
    this.listener.carriesMuch()
  }

  /** One side has sent all it had; the other is told, and may go on sending. */
  endedFrom(pump: Pump): void {
    if (pump.ended) return
    pump.ended = true
    pump.from.readStop()
    const request = Handle.makeShutdown()
    request.oncomplete = onShutdown
    request.owner = pump
    if (pump.to.shutdown(request) !== 0) this.finished(pump)
  }

  finished(pump: Pump): void {
    pump.finished = true
    if (this.up.finished && this.down.finished) this.end("closed", false)
  }

  /** A side broke off. The other is broken off too: it must not mistake half an answer for a whole one. */
  broken(pump: Pump, reading: boolean, _status: number): void {
    const client = reading === (pump === this.up)
    this.end(client ? "client_reset" : "target_reset", true)
  }

  failed(error: unknown): void {
    this.end("internal", true, error)
  }

  abort(): void {
    this.end("cut", true)
  }

  private end(ending: Ending, reset: boolean, error?: unknown): void {
    if (this.over) return
    this.over = true
    this.release(this.up, this.down, reset)
    this.release(this.down, this.up, reset)
    this.listener.carried(ending, error)
  }

  private release(pump: Pump, opposite: Pump, reset: boolean): void {
    pump.from.readStop()
    pump.dispose()
    // libuv cannot reset a handle whose shutdown is under way, and Node would then believe it closed.
    if (reset && opposite.ended === opposite.finished) pump.from.reset()
    else pump.from.close()
  }
}

function onShutdown(this: Handle.ShutdownRequest): void {
  const pump = this.owner
  if (pump instanceof Pump && !pump.splice.over) pump.splice.finished(pump)
}
