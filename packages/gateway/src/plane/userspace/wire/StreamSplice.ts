/**
 * Both directions of a session over Node's streams: for TLS, for tunnels, and where bare handles are not to be had.
 * Half-closes go through, and a side that does not read stops the other from being read.
 */

import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { TLSSocket } from "node:tls"
import type { Meter, Metered } from "../limits/Meter.ts"
import type { Carrier, Listener } from "./Splice.ts"

class Flow implements Metered {
  bytes = 0
  ended = false
  readonly from: Duplex
  readonly to: Duplex
  private readonly meters: ReadonlyArray<Meter> | null
  private blocked = false
  private held = 0

  constructor(from: Duplex, to: Duplex, meters: ReadonlyArray<Meter> | null) {
    this.from = from
    this.to = to
    this.meters = meters
    from.on("data", (chunk: Uint8Array) => this.received(chunk))
    to.on("drain", () => {
      this.blocked = false
      this.resume()
    })
  }

  received(chunk: Uint8Array): void {
    this.bytes += chunk.length
    if (!this.to.write(chunk)) {
      this.blocked = true
      this.from.pause()
    }
    if (this.meters === null) return
    for (const meter of this.meters) {
      if (meter.spend(chunk.length)) continue
      this.held += 1
      this.from.pause()
      meter.wait(this)
    }
  }

  released(): void {
    this.held -= 1
    this.resume()
  }

  private resume(): void {
    if (!this.blocked && this.held === 0) this.from.resume()
  }
}

export class StreamSplice implements Carrier {
  private readonly listener: Listener
  private readonly up: Flow
  private readonly down: Flow
  private over = false
  private open = 2

  constructor(client: Duplex, target: Duplex, listener: Listener, meters: ReadonlyArray<Meter> | null) {
    this.listener = listener
    this.up = new Flow(client, target, meters)
    this.down = new Flow(target, client, meters)
    this.watch(this.up, "client_reset")
    this.watch(this.down, "target_reset")
  }

  start(toTarget: Uint8Array | undefined): void {
    if (toTarget !== undefined && toTarget.length > 0) this.up.to.write(toTarget)
    this.up.from.resume()
    this.down.from.resume()
  }

  get bytesUp(): number {
    return this.up.bytes
  }

  get bytesDown(): number {
    return this.down.bytes
  }

  sweep(): boolean {
    return false
  }

  abort(): void {
    this.end("cut")
  }

  private watch(flow: Flow, broken: "client_reset" | "target_reset"): void {
    flow.from.on("end", () => {
      flow.ended = true
      flow.to.end()
    })
    flow.from.on("error", () => this.end(broken))
    flow.from.on("close", () => {
      if (!flow.ended || !flow.from.writableFinished) return this.end(broken)
      this.open -= 1
      if (this.open === 0) this.end("closed")
    })
  }

  private end(ending: "closed" | "cut" | "client_reset" | "target_reset"): void {
    if (this.over) return
    this.over = true
    for (const each of [this.up.from, this.down.from]) {
      if (ending === "closed") each.destroy()
      else breakOff(each)
    }
    this.listener.carried(ending)
  }
}

/** A TLS session that ends without its closing alert is not taken for a whole one, so only bare TCP needs the reset. */
const breakOff = (side: Duplex): void => {
  if (side instanceof Socket && !(side instanceof TLSSocket)) side.resetAndDestroy()
  else side.destroy()
}
