/**
 * The userspace data plane of one process: ports, routes and sessions of a table, changed while they run. Applying is
 * atomic: all that can fail (opening ports, reading certificates) happens before anything changes.
 */
import type { Duplex } from "node:stream"
import type { SecureContext } from "node:tls"
import type { Connection, Counters, Refusal, SessionEnded } from "../../client/Connection.ts"
import type { Issue } from "../../client/Errors.ts"
import type { Route } from "../../client/Route.ts"
import { Certificates, type Unreadable } from "./Certificates.ts"
import * as Door from "./Door.ts"
import { LiveRoute } from "./LiveRoute.ts"
import type { Admission } from "./limits/Limiter.ts"
import { Meters, type Supply } from "./limits/Meters.ts"
import { Port } from "./Port.ts"
import { type Arrival, Session, type Surroundings } from "./Session.ts"
import { Sweeper } from "./Sweeper.ts"
import type { Resolve } from "./target/Resolver.ts"
import { Targets } from "./target/Targets.ts"
import type { Handle } from "./wire/Handle.ts"

export interface Options {
  /** Addresses to listen on, `::` for IPv6 and, unless `0.0.0.0` is named too, IPv4. */
  readonly listen: ReadonlyArray<string>
  /** First part of connection ids. */
  readonly worker: number
  /** Share the ports with other workers. */
  readonly shared: boolean
  readonly admission: Admission
  readonly supply: Supply
  readonly resolve: Resolve
  /** Listening handles that are already there, by `address|port`. */
  readonly inherited: Map<string, Handle>
  readonly ended: (session: SessionEnded) => void
  readonly refused: (reason: Refusal, route: string | undefined, address: string) => void
  readonly failed: (session: string, error: unknown) => void
}

export const doorKey = (address: string, port: number): string => `${address}|${port}`

/** Which sessions: all, those of a route, or one. */
export type Which = { readonly route?: string; readonly id?: string }

const inUse = (port: number) => `port ${port} is held by another program`
/** What a system error says about a port. */
export const problemOf = (code: string, port: number): Pick<Issue, "code" | "problem"> =>
  code === "EADDRINUSE"
    ? { code: "port_occupied", problem: inUse(port) }
    : code === "EACCES"
      ? { code: "port_privileged", problem: `port ${port} needs a right that this process does not have` }
      : { code: "port_unavailable", problem: `port ${port} cannot be opened (${code})` }

export class Carriage {
  private readonly options: Options
  private readonly routes = new Map<string, LiveRoute>()
  /** Routes that left the table while sessions were still draining. */
  private readonly leaving = new Set<LiveRoute>()
  private readonly ports = new Map<number, Port>()
  private readonly targets: Targets
  private readonly meters: Meters
  private readonly sweeper: Sweeper
  private readonly certificates = new Certificates()
  private readonly around: Surroundings
  private readonly unrouted = new Map<string, number>()
  private readonly emptied = new Set<() => void>()
  private counter = 0

  constructor(options: Options) {
    this.options = options
    this.targets = new Targets(options.resolve)
    this.meters = new Meters(options.supply)
    this.sweeper = new Sweeper(() => this.sessions())
    this.around = {
      admission: options.admission,
      secure: {
        served: (tls) => usable(this.certificates.served(tls)),
        trusted: (tls) => usable(this.certificates.trusted(tls))
      },
      now: Date.now,
      ended: (session) => {
        options.ended(session)
        if (this.emptied.size > 0) for (const check of [...this.emptied]) check()
      },
      refused: (reason, route, address) => this.refused(reason, route, address),
      carriesMuch: (session) => this.sweeper.carriesMuch(session),
      failed: (session, error) => options.failed(session.id, error)
    }
  }

  /** Takes a table into service. What it returns was wrong, and nothing was changed. */
  async apply(routes: ReadonlyArray<Route>): Promise<ReadonlyArray<Issue>> {
    const issues = this.unreadable(routes)
    const opened = new Map<number, Port>()
    await Promise.all(
      routes.map(async ({ id, port }) => {
        if (this.ports.has(port) || opened.has(port)) return
        const fresh = new Port(port, { begin: (...args) => this.begin(...args), refuse: this.around.refused })
        opened.set(port, fresh)
        const code = await this.openDoors(fresh)
        if (code !== undefined) issues.push({ route: id, field: "port", ...problemOf(code, port) })
      })
    )
    if (issues.length > 0) {
      for (const port of opened.values()) port.close()
      return issues
    }
    this.commit(routes, opened)
    return []
  }

  /** What could not be applied, without doing it: files that cannot be read. */
  check(routes: ReadonlyArray<Route>): ReadonlyArray<Issue> {
    return this.unreadable(routes)
  }

  connections(): ReadonlyArray<Connection> {
    return Array.from(this.sessions(), (session) => session.describe())
  }

  /** Ends sessions. With milliseconds of grace they may end by themselves first; resolves with how many were cut. */
  async cut(which: Which, grace = 0): Promise<number> {
    const chosen = () => Array.from(this.sessions()).filter((each) => matches(each, which))
    if (grace > 0) await this.until(() => chosen().length === 0, grace)
    const left = chosen()
    for (const session of left) session.cut(grace > 0 ? "drained" : "cut")
    return left.length
  }

  counters(): Counters {
    return {
      routes: [...this.routes.values(), ...this.leaving].map((each) => each.counters()),
      refused: Object.fromEntries(this.unrouted)
    }
  }

  /** Closes every port; what is live stays. */
  stopAccepting(): void {
    for (const port of this.ports.values()) port.close()
    this.ports.clear()
  }

  /** The listening handles, for a successor. */
  handles(): ReadonlyArray<readonly [string, Handle]> {
    return [...this.ports.values()].flatMap((port) =>
      port.doors.flatMap((door, index) => {
        const address = this.options.listen[index]
        return door.handle === undefined || address === undefined
          ? []
          : [[doorKey(address, port.number), door.handle] as const]
      })
    )
  }

  /** A client that came through the WebSocket door. False: there is no such route. */
  tunnel(route: string, client: Duplex, address: string, port: number): boolean {
    const live = this.routes.get(route)
    if (live === undefined) return false
    const answers = { ends: undefined, start: "plain", serverName: undefined } as const
    this.begin(live, { client, head: new Uint8Array(0), answers, address, port, local: () => undefined })
    return true
  }

  reloadCertificates(report: (files: ReadonlyArray<string>, problem: string | undefined) => void): void {
    this.certificates.reload(report)
  }

  close(): void {
    this.stopAccepting()
    for (const session of [...this.sessions()]) session.cut("cut")
    this.targets.keep([])
    this.meters.stop()
    this.sweeper.stop()
  }

  private *sessions(): Generator<Session> {
    for (const route of this.routes.values()) yield* route.sessions
    for (const route of this.leaving) yield* route.sessions
  }

  private begin(route: LiveRoute, arrival: Arrival): void {
    this.counter += 1
    const session = new Session(`${this.options.worker}-${this.counter}`, route, this.around, arrival)
    session.open(arrival)
  }

  private refused(reason: Refusal, route: LiveRoute | undefined, address: string): void {
    if (route === undefined) this.unrouted.set(reason, (this.unrouted.get(reason) ?? 0) + 1)
    this.options.refused(reason, route?.route.id, address)
    if (this.emptied.size > 0) for (const check of [...this.emptied]) check()
  }

  private unreadable(routes: ReadonlyArray<Route>): Array<Issue> {
    return routes.flatMap(({ id, tls, targetTls }) =>
      [
        tls?.mode === "terminate" ? this.certificates.served(tls) : undefined,
        targetTls === undefined ? undefined : this.certificates.trusted(targetTls)
      ].flatMap((found) =>
        found !== undefined && "problem" in found ? [{ code: "file_unreadable", route: id, ...found }] : []
      )
    )
  }

  private async openDoors(port: Port): Promise<string | undefined> {
    const { listen, shared, inherited } = this.options
    for (const address of listen) {
      const key = doorKey(address, port.number)
      const handle = inherited.get(key)
      inherited.delete(key)
      const ipv6Only = address === "::" && listen.includes("0.0.0.0")
      const door = await Door.open({ address, port: port.number, ipv6Only, shared, inherited: handle }, port)
      if (typeof door === "string") return door
      port.doors.push(door)
    }
    return undefined
  }

  private commit(routes: ReadonlyArray<Route>, opened: ReadonlyMap<number, Port>): void {
    const ids = new Set<string>(routes.map((each) => each.id))
    for (const [id, live] of this.routes) {
      if (ids.has(id)) continue
      this.routes.delete(id)
      live.current = false
      this.leaving.add(live)
    }
    for (const live of this.leaving) if (live.sessions.size === 0) this.leaving.delete(live)
    const byPort = new Map<number, Array<LiveRoute>>()
    for (const route of routes) {
      const target = this.targets.get(route.target)
      const known = this.routes.get(route.id)
      const live = known ?? new LiveRoute(route, target)
      if (known === undefined) this.routes.set(route.id, live)
      else if (known.route !== route) this.change(known, route)
      live.meters = this.meters.of(route)
      const sharing = byPort.get(route.port)
      if (sharing === undefined) byPort.set(route.port, [live])
      else sharing.push(live)
    }
    for (const [number, port] of this.ports) {
      if (byPort.has(number)) continue
      port.close()
      this.ports.delete(number)
    }
    for (const [number, port] of opened) this.ports.set(number, port)
    for (const [number, port] of this.ports) port.serve(byPort.get(number) ?? [])
    this.targets.keep(routes)
    this.meters.keep(routes)
    this.sweeper.watch(routes)
  }

  /** A live session stays whatever changes, unless its client may not use the route any more. */
  private change(live: LiveRoute, route: Route): void {
    live.update(route, this.targets.get(route.target))
    for (const session of [...live.sessions]) {
      if (!live.networks.allows(session.address)) session.cut("no_longer_allowed")
    }
  }

  private until(done: () => boolean, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        this.emptied.delete(check)
        resolve()
      }
      const check = () => {
        if (done()) finish()
      }
      const timer = setTimeout(finish, milliseconds)
      this.emptied.add(check)
      check()
    })
  }
}

const matches = (session: Session, which: Which): boolean =>
  (which.route === undefined || session.route.route.id === which.route) &&
  (which.id === undefined || session.id === which.id)

const usable = (found: SecureContext | Unreadable): SecureContext | undefined =>
  "problem" in found ? undefined : found
