/**
 * The userspace plane in several processes that share every port. The gateway opens a listening socket of each port for
 * each worker and keeps them: what waits in the queue of a worker that dies is accepted by the one that replaces it.
 * Limits and counts are the gateway's; a worker asks before it lets a client in.
 */
import { Effect } from "effect"
import type { Issue } from "../client/Errors.ts"
import { TableRefused } from "../client/Errors.ts"
import type { Route } from "../client/Route.ts"
import * as Table from "../client/Table.ts"
import type { Hooks } from "../Watchers.ts"
import type { DataPlane, Which } from "./DataPlane.ts"
import { Carriage, doorKey, problemOf } from "./userspace/Carriage.ts"
import * as Door from "./userspace/Door.ts"
import { type Limiter, local } from "./userspace/limits/Limiter.ts"
import type { Supply } from "./userspace/limits/Meters.ts"
import { viaServers, viaSystem } from "./userspace/target/Resolver.ts"
import type { Handle } from "./userspace/wire/Handle.ts"
import { Child } from "./workers/Child.ts"
import { Ledger } from "./workers/Ledger.ts"
import type { Report } from "./workers/Messages.ts"
import * as Tally from "./workers/Tally.ts"

export interface Options {
  readonly count: number
  readonly listen: ReadonlyArray<string>
  readonly dns: ReadonlyArray<string> | undefined
  readonly limiter: Limiter
  readonly supply: Supply
  readonly inherited: Map<string, Handle>
  readonly hooks: Hooks
}

/** Milliseconds before a dead worker is replaced: one that dies at once must not keep a processor busy. */
const pause = 200

class Pool {
  /** Tunnels end in this process, so it carries them itself. */
  readonly own: Carriage
  private readonly options: Options
  private readonly children: Array<Child> = []
  private readonly ledgers = new Map<Child, Ledger>()
  /** Listening sockets by `address|port`, one for each worker. */
  private readonly doors = new Map<string, ReadonlyArray<Handle>>()
  private routes: ReadonlyArray<Route> = []
  private past = Tally.none
  private closing = false

  constructor(options: Options) {
    this.options = options
    const { limiter, supply, dns, hooks } = options
    this.own = new Carriage({
      listen: [],
      worker: 0,
      shared: false,
      admission: local(limiter),
      supply,
      resolve: dns === undefined ? viaSystem() : viaServers(dns),
      inherited: new Map(),
      ...hooks
    })
    for (let number = 1; number <= options.count; number++) this.children.push(this.start(number))
  }

  async apply(routes: ReadonlyArray<Route>): Promise<ReadonlyArray<Issue>> {
    const opened = new Map<string, ReadonlyArray<Handle>>()
    const issues = [...this.own.check(routes), ...this.open(routes, opened)]
    if (issues.length > 0) {
      for (const handles of opened.values()) for (const handle of handles) handle.close()
      return issues
    }
    for (const [key, handles] of opened) {
      this.doors.set(key, handles)
      for (const [index, child] of this.children.entries()) child.tell({ tag: "door", key }, handles[index])
    }
    this.routes = routes
    this.options.limiter.configure(routes)
    await this.own.apply(routes)
    const inputs = Table.toJson(routes)
    await Promise.all(this.children.map((child) => child.ask({ tag: "apply", routes: inputs })))
    this.forget()
    return []
  }

  async connections() {
    const reports = await Promise.all(this.children.map((child) => child.ask({ tag: "connections" })))
    return [
      ...this.own.connections(),
      ...reports.flatMap((report) => (report?.tag === "connections" ? report.connections : []))
    ]
  }

  async counters() {
    await Promise.all(this.children.map((child) => child.ask({ tag: "counters" })))
    const all = this.children.reduce(
      (sum, child) => Tally.add(sum, child.counters),
      Tally.add(this.past, this.own.counters())
    )
    return Tally.only(all, new Set<string>(this.routes.map((route) => route.id)))
  }

  async cut(which: Which, grace = 0): Promise<number> {
    const reports = await Promise.all([
      this.own.cut(which, grace),
      ...this.children.map(async (child) => {
        const report = await child.ask({ tag: "cut", which, grace })
        return report?.tag === "cut" ? report.count : 0
      })
    ])
    return reports.reduce((sum, count) => sum + count, 0)
  }

  async stopAccepting(): Promise<void> {
    this.closing = true
    this.routes = []
    this.forget()
    await Promise.all(this.children.map((child) => child.ask({ tag: "stopAccepting" })))
  }

  reloadCertificates(report: (files: ReadonlyArray<string>, problem: string | undefined) => void): void {
    this.own.reloadCertificates(report)
    for (const child of this.children) child.tell({ tag: "reloadCertificates" })
  }

  handles(): ReadonlyArray<readonly [string, Handle]> {
    return [...this.doors].flatMap(([key, handles]) =>
      handles.map((handle, index) => [`${key}#${index}`, handle] as const)
    )
  }

  get pids(): ReadonlyArray<number> {
    return this.children.flatMap((child) => (child.pid === undefined ? [] : [child.pid]))
  }

  close(): void {
    this.closing = true
    this.own.close()
    for (const child of this.children) child.kill()
    for (const handles of this.doors.values()) for (const handle of handles) handle.close()
  }

  private start(number: number): Child {
    const { listen, dns, limiter, supply } = this.options
    const child = new Child(number, {
      reported: (report, from) => this.reported(report, from),
      died: (dead) => this.replace(dead)
    })
    this.ledgers.set(child, new Ledger(limiter))
    child.tell({ tag: "start", worker: number, listen, dns, wholeRate: supply.wholeRate })
    for (const [key, handles] of this.doors) child.tell({ tag: "door", key }, handles[number - 1])
    if (this.routes.length > 0) void child.ask({ tag: "apply", routes: Table.toJson(this.routes) })
    return child
  }

  private replace(dead: Child): void {
    this.past = Tally.add(this.past, Tally.withoutOpen(dead.counters))
    this.ledgers.get(dead)?.releaseAll()
    this.ledgers.delete(dead)
    if (this.closing) return
    this.options.hooks.failed(
      `worker ${dead.number}`,
      new Error("the worker ended and is replaced; its sessions are lost")
    )
    setTimeout(() => {
      if (!this.closing) this.children[dead.number - 1] = this.start(dead.number)
    }, pause)
  }

  private reported(report: Report, child: Child) {
    const ledger = this.ledgers.get(child)
    const { hooks, supply } = this.options
    if (ledger === undefined) return
    switch (report.tag) {
      case "admit":
        return child.tell({
          tag: "admitted",
          number: report.number,
          refusal: ledger.admit(report.route, report.address)
        })
      case "release":
        return ledger.release(report.route, report.address)
      case "draw":
        return supply.draw(report.name, report.rate, report.bytes, (granted) =>
          child.tell({ tag: "drawn", number: report.number, granted })
        )
      case "ended":
        return hooks.ended(report.session)
      case "refused":
        return hooks.refused(report.reason, report.route, report.address)
      case "failed":
        return hooks.failed(report.session, report.error)
    }
  }

  /** Opens what is not open yet: one socket for each worker, all on the same port. */
  private open(routes: ReadonlyArray<Route>, opened: Map<string, ReadonlyArray<Handle>>): ReadonlyArray<Issue> {
    const { listen, count, inherited } = this.options
    const issues: Array<Issue> = []
    for (const { id, port } of routes) {
      for (const address of listen) {
        const key = doorKey(address, port)
        if (this.doors.has(key) || opened.has(key)) continue
        const ipv6Only = address === "::" && listen.includes("0.0.0.0")
        const handles = Door.bindAll({
          address,
          port,
          ipv6Only,
          count,
          inherited: (index) => take(inherited, `${key}#${index}`)
        })
        if (typeof handles === "string") issues.push({ route: id, field: "port", ...problemOf(handles, port) })
        else opened.set(key, handles)
      }
    }
    return issues
  }

  private forget(): void {
    const wanted = new Set(
      this.routes.flatMap(({ port }) => this.options.listen.map((address) => doorKey(address, port)))
    )
    for (const [key, handles] of [...this.doors]) {
      if (wanted.has(key)) continue
      this.doors.delete(key)
      for (const handle of handles) handle.close()
    }
  }
}

const take = (handles: Map<string, Handle>, key: string): Handle | undefined => {
  const handle = handles.get(key)
  handles.delete(key)
  return handle
}

/** The plane, whose workers end with its scope. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const pool: Pool = yield* Effect.acquireRelease(
    Effect.sync(() => new Pool(options)),
    (made) => Effect.sync(() => made.close())
  )
  const plane: DataPlane = {
    apply: (routes) =>
      Effect.flatMap(
        Effect.promise(() => pool.apply(routes)),
        (issues) => (issues.length > 0 ? Effect.fail(TableRefused.of(issues)) : Effect.void)
      ),
    connections: Effect.promise(() => pool.connections()),
    cut: (which, grace) => Effect.promise(() => pool.cut(which, grace)),
    counters: Effect.promise(() => pool.counters()),
    stopAccepting: Effect.promise(() => pool.stopAccepting())
  }
  return {
    ...plane,
    handles: () => pool.handles(),
    tunnel: (route: string, ...client: Tunnelled) => pool.own.tunnel(route, ...client),
    reloadCertificates: (report: Parameters<Pool["reloadCertificates"]>[0]) => pool.reloadCertificates(report),
    workers: () => pool.pids
  }
})

type Tunnelled = Parameters<Carriage["tunnel"]> extends [string, ...infer Rest] ? Rest : never
