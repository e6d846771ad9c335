/** A route in service: its settings, which a new table can change, and its counts and sessions, which it cannot. */
import { Duration } from "effect"
import { dialBounds, type Refusal, type RouteCounters, sessionBounds } from "../../client/Connection.ts"
import type { Route } from "../../client/Route.ts"
import type { Meter } from "./limits/Meter.ts"
import * as Networks from "./limits/Networks.ts"
import type { Session } from "./Session.ts"
import type { Patience, Target } from "./target/Target.ts"

/** Counts what took how long. Bounds in milliseconds. */
export class Histogram {
  readonly buckets: Array<number>
  sum = 0
  private readonly bounds: ReadonlyArray<number>

  constructor(bounds: ReadonlyArray<number>) {
    this.bounds = bounds
    this.buckets = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  record(milliseconds: number): void {
    const found = this.bounds.findIndex((bound) => milliseconds <= bound)
    const bucket = found < 0 ? this.bounds.length : found
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
    this.sum += milliseconds
  }
}

const milliseconds = (duration: Duration.Duration | null | undefined): number | undefined =>
  duration === null || duration === undefined ? undefined : Duration.toMillis(duration)

const defaultAttempt = Duration.seconds(3)
const defaultBudget = Duration.seconds(5)

export class LiveRoute {
  route: Route
  networks: Networks.Networks
  target: Target
  meters: ReadonlyArray<Meter> | null = null
  patience: Patience
  idleTimeout: number | undefined
  maxLifetime: number | undefined
  readonly sessions = new Set<Session>()
  /** False once the table no longer has it; its sessions may still be draining. */
  current = true
  accepted = 0
  dialFailures = 0
  /** Of sessions that have ended. */
  bytesUp = 0
  bytesDown = 0
  readonly refused = new Map<Refusal, number>()
  private dials: Histogram | undefined
  private lives: Histogram | undefined

  constructor(route: Route, target: Target) {
    this.route = route
    this.target = target
    this.networks = Networks.ofRoute(route)
    this.patience = { attempt: 0, budget: 0 }
    this.update(route, target)
  }

  update(route: Route, target: Target): void {
    this.route = route
    this.target = target
    this.networks = Networks.ofRoute(route)
    this.patience = {
      attempt: Duration.toMillis(route.connectTimeout ?? defaultAttempt),
      budget: Duration.toMillis(route.connectBudget ?? defaultBudget)
    }
    this.idleTimeout = milliseconds(route.idleTimeout)
    this.maxLifetime = milliseconds(route.maxLifetime)
  }

  refuse(reason: Refusal): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
  }

  /** Made when first needed: most of ten thousand routes are quiet. */
  get dialTimes(): Histogram {
    this.dials ??= new Histogram(dialBounds)
    return this.dials
  }

  get sessionTimes(): Histogram {
    this.lives ??= new Histogram(sessionBounds)
    return this.lives
  }

  counters(): RouteCounters {
    let bytesUp = this.bytesUp
    let bytesDown = this.bytesDown
    for (const session of this.sessions) {
      bytesUp += session.bytesUp
      bytesDown += session.bytesDown
    }
    const { dialTimes, sessionTimes } = this
    return {
      route: this.route.id,
      open: this.sessions.size,
      accepted: this.accepted,
      refused: Object.fromEntries(this.refused),
      dialFailures: this.dialFailures,
      bytesUp,
      bytesDown,
      dials: { buckets: [...dialTimes.buckets], sum: dialTimes.sum },
      sessions: { buckets: [...sessionTimes.buckets], sum: sessionTimes.sum },
      healthy: this.target.healthy
    }
  }
}
