/** A public port: its doors, the routes behind it, and the way from a new connection to the route it means. */
import type { Refusal } from "../../client/Connection.ts"
import type { Door, Visitors } from "./Door.ts"
import type { LiveRoute } from "./LiveRoute.ts"
import * as Networks from "./limits/Networks.ts"
import { type Answers, Opening } from "./opening/Opening.ts"
import type { Arrival } from "./Session.ts"
import { patience } from "./Tls.ts"
import { peek } from "./wire/Peek.ts"
import * as Wire from "./wire/Wire.ts"

/** Clients that have not said yet what they want: of one address, and of all. More are refused. */
const openingsPerAddress = 256
const openings = 8192

const unrecognisedName: Uint8Array = Buffer.from([21, 3, 1, 0, 2, 2, 112])
const nothing = new Uint8Array(0)
const plain: Answers = { ends: undefined, start: "plain", serverName: undefined }

/** What a port does with who is there. */
export interface Host {
  readonly begin: (route: LiveRoute, arrival: Arrival) => void
  readonly refuse: (reason: Refusal, route: LiveRoute | undefined, address: string) => void
}

export class Port implements Visitors {
  readonly number: number
  readonly doors: Array<Door> = []
  private readonly host: Host
  private readonly waiting = new Map<Wire.Wire, { cancel(): void }>()
  private readonly waitingOf = new Map<string, number>()
  private routes: ReadonlyArray<LiveRoute> = []
  private isProxy: (address: string) => boolean = () => false
  private speaks = { tls: false, postgres: false }
  private accepting = false

  constructor(number: number, host: Host) {
    this.number = number
    this.host = host
  }

  serve(routes: ReadonlyArray<LiveRoute>) {
    this.routes = routes
    this.accepting = true
    this.isProxy = Networks.membership(routes.flatMap((each) => each.route.proxyFrom ?? []))
    // Passthrough without names needs no look inside: there is one route, and TLS is the target's business.
    const asked = routes.filter(({ route: { tls } }) => tls?.mode === "terminate" || tls?.serverNames !== undefined)
    this.speaks = { tls: asked.length > 0, postgres: asked.some(({ route }) => route.tls?.start === "postgres") }
  }

  close() {
    this.accepting = false
    for (const door of this.doors.splice(0)) door.close()
    for (const [wire, step] of [...this.waiting]) {
      step.cancel()
      Wire.reset(wire)
    }
    this.waiting.clear()
    this.waitingOf.clear()
  }

  lost() {
    this.host.refuse("no_file_handles", this.only, "")
  }

  arrived(wire: Wire.Wire) {
    const peer = Wire.peerOf(wire)
    if (peer === undefined || !this.accepting) return Wire.reset(wire)
    const proxy = this.isProxy(peer.address)
    const only = this.only
    if (only !== undefined && !proxy && !this.speaks.tls) {
      return this.host.begin(only, this.arrival(wire, nothing, plain, peer))
    }
    // Who may use no route of the port gets no hearing.
    if (!proxy && !this.routes.some((route) => route.networks.allows(peer.address))) {
      return this.turnAway(wire, "denied", only, peer.address)
    }
    this.listen(wire, peer, proxy)
  }

  private get only(): LiveRoute | undefined {
    return this.routes.length === 1 ? this.routes[0] : undefined
  }

  private listen(wire: Wire.Wire, peer: Wire.Peer, proxy: boolean) {
    const { address } = peer
    const sameAddress = this.waitingOf.get(address) ?? 0
    if (this.waiting.size >= openings || (!proxy && sameAddress >= openingsPerAddress)) {
      return this.turnAway(wire, "slow_opening", this.only, address)
    }
    this.waitingOf.set(address, sameAddress + 1)
    const opening = new Opening({ proxy, ...this.speaks })
    const done = () => {
      this.waiting.delete(wire)
      const left = (this.waitingOf.get(address) ?? 1) - 1
      if (left > 0) this.waitingOf.set(address, left)
      else this.waitingOf.delete(address)
    }
    const step = peek(
      wire,
      patience,
      (bytes) => {
        for (;;) {
          const next = opening.next(bytes)
          if (next.tag === "more") return false
          if (next.tag === "reply") {
            Wire.send(wire, next.bytes)
            if (opening.read === bytes.length) return false
            continue
          }
          done()
          if (next.tag === "refuse") this.turnAway(wire, next.reason, this.only, address, next.bytes)
          else this.choose(wire, bytes.subarray(next.consumed), next.answers, peer)
          return true
        }
      },
      (why) => {
        done()
        this.turnAway(wire, why === "slow" ? "slow_opening" : "gone_early", this.only, address)
      }
    )
    this.waiting.set(wire, step)
  }

  private choose(wire: Wire.Wire, head: Uint8Array, answers: Answers, peer: Wire.Peer) {
    const client = answers.ends === undefined ? peer : { address: answers.ends.source, port: answers.ends.sourcePort }
    const route = this.find(answers)
    if (route !== undefined) return this.host.begin(route, this.arrival(wire, head, answers, client))
    this.turnAway(wire, "unknown_server_name", undefined, client.address, unrecognisedName)
  }

  private find(answers: Answers): LiveRoute | undefined {
    const { serverName } = answers
    const only = this.only
    if (only !== undefined && (only.route.tls?.serverNames === undefined || answers.start === "cancel")) return only
    if (serverName === undefined) return undefined
    const wildcard = `*${serverName.slice(serverName.indexOf("."))}`
    const named = (name: string) => this.routes.find(({ route }) => route.tls?.serverNames?.includes(name) === true)
    return named(serverName) ?? (serverName.includes(".") ? named(wildcard) : undefined)
  }

  private arrival(wire: Wire.Wire, head: Uint8Array, answers: Answers, client: Wire.Peer): Arrival {
    return { client: wire, head, answers, ...client, local: () => Wire.localOf(wire) }
  }

  private turnAway(
    wire: Wire.Wire,
    reason: Refusal,
    route: LiveRoute | undefined,
    address: string,
    answer?: Uint8Array
  ) {
    if (answer === undefined) Wire.reset(wire)
    else Wire.sendLast(wire, answer)
    this.host.refuse(reason, route, address)
  }
}
