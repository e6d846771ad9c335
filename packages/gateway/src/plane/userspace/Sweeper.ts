/** Looks at live sessions from time to time: ends those that are idle or too old, and takes spare memory back. */
import type { Duration } from "effect"
import type { Route } from "../../client/Route.ts"
import type { Session } from "./Session.ts"

/** Milliseconds between looks. A limit of time is kept to within one of them. */
const lookEvery = 250
const sweepEvery = 2000

export class Sweeper {
  private readonly sessions: () => Iterable<Session>
  private readonly much = new Set<Session>()
  private looking: NodeJS.Timeout | undefined
  private sweeping: NodeJS.Timeout | undefined

  constructor(sessions: () => Iterable<Session>) {
    this.sessions = sessions
  }

  /** Looks at sessions as long as a route asks for it. */
  watch(routes: ReadonlyArray<Route>): void {
    const asked = (limit: Duration.Duration | null | undefined) => limit !== undefined && limit !== null
    const needed = routes.some((route) => asked(route.idleTimeout) || asked(route.maxLifetime))
    if (needed && this.looking === undefined) {
      this.looking = setInterval(() => this.look(Date.now()), lookEvery)
      this.looking.unref()
    } else if (!needed) {
      clearInterval(this.looking)
      this.looking = undefined
    }
  }

  carriesMuch(session: Session): void {
    this.much.add(session)
    if (this.sweeping !== undefined) return
    this.sweeping = setInterval(() => this.sweep(), sweepEvery)
    this.sweeping.unref()
  }

  stop(): void {
    clearInterval(this.looking)
    clearInterval(this.sweeping)
  }

  look(now: number): void {
    for (const session of [...this.sessions()]) {
      const { idleTimeout, maxLifetime } = session.route
      if (maxLifetime !== undefined && now - session.openedAt >= maxLifetime) {
        session.cut("lifetime")
        continue
      }
      if (idleTimeout === undefined) continue
      const bytes = session.bytesUp + session.bytesDown
      if (bytes !== session.seenBytes) {
        session.seenBytes = bytes
        session.activeAt = now
      } else if (now - session.activeAt >= idleTimeout) session.cut("idle")
    }
  }

  private sweep(): void {
    for (const session of this.much) if (!session.sweep()) this.much.delete(session)
    if (this.much.size > 0) return
    clearInterval(this.sweeping)
    this.sweeping = undefined
  }
}
