/**
 * A gateway inside this process: the table, the plane that carries it, and nothing that listens for commands. A program
 * that embeds it changes the table here; `berth-gateway` puts the admin API in front of the same service.
 */

import type { Duplex } from "node:stream"
import { Context, Effect, Layer, type Stream } from "effect"
import type { Connection, Counters, Refusal, SessionEnded } from "./client/Connection.ts"
import { ConnectionNotFound, type RouteNotFound } from "./client/Errors.ts"
import type { Route, RouteInput } from "./client/Route.ts"
import type { Table } from "./client/Table.ts"
import type { DataPlane, Which } from "./plane/DataPlane.ts"
import * as Userspace from "./plane/Userspace.ts"
import { Limiter, type Limits } from "./plane/userspace/limits/Limiter.ts"
import { makeSupply } from "./plane/userspace/limits/Meters.ts"
import { viaServers, viaSystem } from "./plane/userspace/target/Resolver.ts"
import type { Handle } from "./plane/userspace/wire/Handle.ts"
import * as Workers from "./plane/Workers.ts"
import * as RouteTable from "./table/RouteTable.ts"
import * as Watchers from "./Watchers.ts"

export interface Options {
  /** Addresses to listen on. Default `0.0.0.0`. `::` takes IPv4 too, unless `0.0.0.0` is named beside it. */
  readonly listen?: string | ReadonlyArray<string>
  /** Path of the file that keeps the last good table. Left out: the table is gone with the process. */
  readonly state?: string
  /** Limits of the whole gateway. */
  readonly limits?: Limits
  /** DNS servers (`address` or `address:port`) for targets by name. Left out: as the machine itself resolves. */
  readonly dns?: ReadonlyArray<string>
  /** Listening handles of the process whose place is taken. */
  readonly inherited?: Map<string, Handle>
  /** Processes that carry bytes. Default 1: this one. More share every port, and take their sessions with them. */
  readonly workers?: number
}

/** What a plane can have beside its interface. */
export interface Extras {
  readonly handles: () => ReadonlyArray<readonly [string, Handle]>
  readonly tunnel: (route: string, client: Duplex, address: string, port: number) => boolean
  /** Process ids of the workers. */
  readonly workers: () => ReadonlyArray<number>
  readonly reloadCertificates: (report: (files: ReadonlyArray<string>, problem: string | undefined) => void) => void
}

export class Gateway extends Context.Service<
  Gateway,
  {
    /** The table in service. */
    readonly table: Effect.Effect<Table>
    readonly routes: RouteTable.RouteTable
    /**
     * Replaces the table. Atomic; sessions of routes that stay do not notice, those of routes that are gone are cut
     * (after `grace` milliseconds, if given). With a revision, a write that somebody overtook is refused.
     */
    readonly apply: (
      routes: ReadonlyArray<RouteInput>,
      options?: { readonly revision?: number; readonly grace?: number }
    ) => Effect.Effect<Table, RouteTable.WriteError>
    readonly put: (route: RouteInput) => Effect.Effect<Table, RouteTable.WriteError>
    readonly remove: (
      id: string,
      options?: { readonly grace?: number }
    ) => Effect.Effect<Table, RouteTable.WriteError | RouteNotFound>
    readonly find: (id: string) => Effect.Effect<Route, RouteNotFound>
    readonly connections: Effect.Effect<ReadonlyArray<Connection>>
    /** Ends sessions and answers with how many; `grace` in milliseconds lets them end by themselves first. */
    readonly cut: (which: Which, grace?: number) => Effect.Effect<number>
    /** Ends one session by its id. */
    readonly cutOne: (id: string) => Effect.Effect<void, ConnectionNotFound>
    readonly counters: Effect.Effect<Counters>
    /** Sessions as they end. A reader that is too slow loses the oldest. */
    readonly sessions: Stream.Stream<SessionEnded>
    /** Clients as they are refused. */
    readonly refusals: Stream.Stream<{
      readonly reason: Refusal
      readonly route: string | undefined
      readonly address: string
    }>
    /** Stops accepting, lets live sessions end for `grace` milliseconds, cuts the rest; answers with how many. */
    readonly drain: (grace: number) => Effect.Effect<number>
    readonly extras: Partial<Extras>
  }
>()("@berth/gateway/Gateway") {
  static readonly make = (options: Options = {}) => make(options)
  /** A gateway that ends with the layer: ports closed, sessions cut. */
  static readonly layer = (options: Options = {}) => Layer.effect(Gateway, make(options))
}

const list = (listen: Options["listen"]): ReadonlyArray<string> =>
  listen === undefined ? ["0.0.0.0"] : typeof listen === "string" ? [listen] : listen

const inProcess = (options: Options) =>
  Effect.fnUntraced(function* (hooks: Watchers.Hooks) {
    const { limits = {}, dns } = options
    const plane = yield* Userspace.make(new Limiter(limits), {
      listen: list(options.listen),
      worker: 0,
      shared: false,
      supply: makeSupply(limits.bytesPerSecond, () => performance.now()),
      resolve: dns === undefined ? viaSystem() : viaServers(dns),
      inherited: options.inherited ?? new Map(),
      ...hooks
    })
    const { carriage } = plane
    const extras = {
      handles: () => carriage.handles(),
      tunnel: (...args: Parameters<typeof carriage.tunnel>) => carriage.tunnel(...args),
      reloadCertificates: (report: Parameters<typeof carriage.reloadCertificates>[0]) =>
        carriage.reloadCertificates(report)
    }
    return { ...plane, ...extras }
  })

const inWorkers = (options: Options, count: number) => (hooks: Watchers.Hooks) =>
  Workers.make({
    count,
    listen: list(options.listen),
    dns: options.dns,
    limiter: new Limiter(options.limits ?? {}),
    supply: makeSupply(options.limits?.bytesPerSecond, () => performance.now()),
    inherited: options.inherited ?? new Map(),
    hooks
  })

const make = Effect.fnUntraced(function* (options: Options) {
  const watchers = yield* Watchers.make
  const plane: DataPlane & Partial<Extras> = yield* (options.workers ?? 1) > 1
    ? inWorkers(options, options.workers ?? 1)(watchers.hooks)
    : inProcess(options)(watchers.hooks)
  const routes = yield* RouteTable.make(plane, options.state)
  const { handles, tunnel, reloadCertificates, workers } = plane
  return Gateway.of({
    table: routes.current,
    routes,
    apply: routes.replace,
    put: routes.put,
    remove: routes.remove,
    find: routes.find,
    connections: plane.connections,
    cut: plane.cut,
    cutOne: Effect.fn("Gateway.cutOne")(function* (id) {
      if ((yield* plane.cut({ id })) === 0) return yield* ConnectionNotFound.of(id)
    }),
    counters: plane.counters,
    sessions: watchers.sessions,
    refusals: watchers.refusals,
    drain: (grace) => Effect.andThen(plane.stopAccepting, plane.cut({}, grace)),
    extras: {
      ...(handles === undefined ? {} : { handles }),
      ...(workers === undefined ? {} : { workers }),
      ...(tunnel === undefined ? {} : { tunnel }),
      ...(reloadCertificates === undefined ? {} : { reloadCertificates })
    }
  })
})
