/**
 * One client of one route: let in, target dialled, bytes carried, ended. Steps follow each other by callbacks; nothing
 * here runs for a chunk.
 */
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { Connection, Ending, Refusal, SessionEnded } from "../../client/Connection.ts"
import type { LiveRoute } from "./LiveRoute.ts"
import type { Admission } from "./limits/Limiter.ts"
import type { Answers } from "./opening/Opening.ts"
import * as ProxyHeader from "./opening/ProxyHeader.ts"
import * as Tls from "./Tls.ts"
import { type Carrier, type Listener, Splice } from "./wire/Splice.ts"
import { StreamSplice } from "./wire/StreamSplice.ts"
import * as Wire from "./wire/Wire.ts"

/** What a session needs of the plane it belongs to. */
export interface Surroundings {
  readonly admission: Admission
  readonly secure: Tls.Contexts
  /** Milliseconds since 1970, and a clock that never goes back. */
  readonly now: () => number
  readonly ended: (session: SessionEnded) => void
  readonly refused: (reason: Refusal, route: LiveRoute | undefined, address: string) => void
  readonly carriesMuch: (session: Session) => void
  readonly failed: (session: Session, error: unknown) => void
}

/** How a client came in. */
export interface Arrival {
  readonly client: Wire.Wire | Duplex
  /** Bytes that were read already and belong to the session. */
  readonly head: Uint8Array
  readonly answers: Answers
  readonly address: string
  readonly port: number
  /** The address and port that the client dialled. */
  readonly local: () => { readonly address: string; readonly port: number } | undefined
}

type Side = Wire.Wire | Duplex

const isWire = (side: Side): side is Wire.Wire => !("pipe" in side) || side instanceof Socket

const abandon = (side: Side) => {
  if (isWire(side)) Wire.reset(side)
  else side.destroy()
}

export class Session implements Listener {
  readonly id: string
  readonly route: LiveRoute
  readonly address: string
  readonly openedAt: number
  /** Set by the sweep of idle sessions: bytes at the last look, and when they last grew. */
  seenBytes = 0
  activeAt: number
  private readonly around: Surroundings
  private readonly port: number
  private target = ""
  private client: Side | undefined
  private step: { cancel(): void } | undefined
  private carrier: Carrier | undefined
  private admitted = false
  private over = false

  constructor(id: string, route: LiveRoute, around: Surroundings, arrival: Arrival) {
    this.id = id
    this.route = route
    this.around = around
    this.address = arrival.address
    this.port = arrival.port
    this.client = arrival.client
    this.openedAt = around.now()
    this.activeAt = this.openedAt
  }

  get bytesUp(): number {
    return this.carrier?.bytesUp ?? 0
  }

  get bytesDown(): number {
    return this.carrier?.bytesDown ?? 0
  }

  /** Asks for admission and goes on from there. */
  open(arrival: Arrival) {
    if (!this.route.networks.allows(this.address)) return this.refuse("denied")
    this.around.admission.admit(this.route.route.id, this.address, (refusal) => {
      if (refusal === undefined) this.admitted = true
      if (this.over) return this.leave()
      if (refusal !== undefined) return this.refuse(refusal)
      this.route.accepted += 1
      this.route.sessions.add(this)
      this.secureClient(arrival)
    })
  }

  /** Ends the session from outside. */
  cut(ending: Ending) {
    if (this.over) return
    const carrier = this.carrier
    this.finish(ending)
    if (carrier !== undefined) carrier.abort()
  }

  describe(): Connection {
    return {
      id: this.id,
      route: this.route.route.id,
      client: this.clientText,
      target: this.target,
      openedAt: this.openedAt,
      bytesUp: this.bytesUp,
      bytesDown: this.bytesDown
    }
  }

  sweep(): boolean {
    return this.carrier?.sweep() ?? false
  }

  carriesMuch() {
    this.around.carriesMuch(this)
  }

  carried(ending: Ending, error?: unknown) {
    if (error !== undefined) this.around.failed(this, error)
    this.finish(ending)
  }

  private get clientText(): string {
    return this.address.includes(":") ? `[${this.address}]:${this.port}` : `${this.address}:${this.port}`
  }

  private secureClient(arrival: Arrival) {
    const { tls } = this.route.route
    if (tls?.mode !== "terminate" || arrival.answers.start === "cancel" || arrival.answers.start === "plain") {
      return this.dial(arrival.client, arrival)
    }
    if (!isWire(arrival.client)) return this.refuse("bad_tls")
    this.step = Tls.accept(Wire.toSocket(arrival.client, arrival.head), tls, this.around.secure, (secured) => {
      this.step = undefined
      if (secured === undefined) return this.refuse("bad_tls")
      this.client = secured
      this.dial(secured, { ...arrival, client: secured, head: new Uint8Array(0) })
    })
  }

  private dial(client: Side, arrival: Arrival) {
    const started = performance.now()
    this.step = this.route.target.dial(
      this.route.patience,
      ({ wire, address }) => {
        this.step = undefined
        this.target = address
        this.route.dialTimes.record(performance.now() - started)
        this.greetTarget(client, wire, arrival)
      },
      (why) => {
        this.route.dialFailures += why === "failed" ? 1 : 0
        this.refuse(why === "failed" ? "dial_failed" : "target_down")
      }
    )
  }

  /** What the target is told before it hears the client: the client's address, and that TLS follows. */
  private greetTarget(client: Side, wire: Wire.Wire, arrival: Arrival) {
    const { targetTls, tls } = this.route.route
    const header = this.proxyHeader(arrival)
    const cancel = arrival.answers.start === "cancel"
    if (targetTls !== undefined && !(cancel && targetTls.start === "postgres")) {
      if (header !== undefined) Wire.send(wire, header)
      this.step = Tls.connect(wire, targetTls, this.route.target.host, this.around.secure, (secured) =>
        this.joined(client, secured, arrival.head)
      )
      return
    }
    if (tls?.mode === "passthrough" && arrival.answers.start === "postgres") {
      if (header !== undefined) Wire.send(wire, header)
      this.step = Tls.askPostgres(wire, (agreed) => this.joined(client, agreed, arrival.head))
      return
    }
    this.joined(client, wire, header === undefined ? arrival.head : Buffer.concat([header, arrival.head]))
  }

  private joined(client: Side, target: Side | undefined, head: Uint8Array) {
    this.step = undefined
    if (target === undefined) {
      this.route.dialFailures += 1
      return this.refuse("dial_failed")
    }
    const { meters } = this.route
    if (isWire(client) && isWire(target) && !Wire.isSocket(client) && !Wire.isSocket(target)) {
      const splice = new Splice(client, target, this, meters)
      this.carrier = splice
      splice.start(head)
      return
    }
    const empty = new Uint8Array(0)
    const splice = new StreamSplice(
      isWire(client) ? Wire.toSocket(client, empty) : client,
      isWire(target) ? Wire.toSocket(target, empty) : target,
      this,
      meters
    )
    this.carrier = splice
    splice.start(head)
  }

  private proxyHeader(arrival: Arrival): Uint8Array | undefined {
    const { proxyProtocol } = this.route.route
    if (proxyProtocol === undefined || proxyProtocol === "off") return undefined
    const local = arrival.local()
    const ends = {
      source: this.address,
      sourcePort: this.port,
      destination: arrival.answers.ends?.destination ?? local?.address ?? "0.0.0.0",
      destinationPort: arrival.answers.ends?.destinationPort ?? local?.port ?? 0
    }
    return proxyProtocol === "v1" ? ProxyHeader.encodeV1(ends) : ProxyHeader.encodeV2(ends)
  }

  /** Closes a client that is not carried. It is counted as refused, not as a session. */
  private refuse(reason: Refusal) {
    if (this.over) return
    this.over = true
    this.route.refuse(reason)
    this.route.sessions.delete(this)
    if (this.client !== undefined) abandon(this.client)
    this.leave()
    this.around.refused(reason, this.route, this.address)
  }

  private finish(ending: Ending) {
    if (this.over) return
    this.over = true
    this.step?.cancel()
    if (this.carrier === undefined && this.client !== undefined) abandon(this.client)
    const { route, bytesUp, bytesDown } = this
    route.sessions.delete(this)
    route.bytesUp += bytesUp
    route.bytesDown += bytesDown
    const milliseconds = this.around.now() - this.openedAt
    route.sessionTimes.record(milliseconds)
    this.leave()
    this.around.ended({
      id: this.id,
      route: route.route.id,
      client: this.clientText,
      target: this.target,
      bytesUp,
      bytesDown,
      milliseconds,
      ending
    })
  }

  private leave() {
    this.client = undefined
    if (!this.admitted) return
    this.admitted = false
    this.around.admission.release(this.route.route.id, this.address)
  }
}
