/** The targets of a table, one for each `host:port`, so that routes to the same one share what is known about it. */
import type { HealthCheck, Route } from "../../../client/Route.ts"
import { Health } from "./Health.ts"
import type { Resolve } from "./Resolver.ts"
import { Target } from "./Target.ts"

interface Checked {
  readonly settings: string
  readonly health: Health
}

export class Targets {
  private readonly resolve: Resolve
  private readonly targets = new Map<string, Target>()
  private readonly checks = new Map<string, Checked>()

  constructor(resolve: Resolve) {
    this.resolve = resolve
  }

  get(text: string): Target {
    const known = this.targets.get(text)
    if (known !== undefined) return known
    const made = new Target(text, this.resolve)
    this.targets.set(text, made)
    return made
  }

  /** Forgets the targets that no route has, and checks those whose routes ask for it. */
  keep(routes: ReadonlyArray<Route>): void {
    const wanted = new Set<string>(routes.map((each) => each.target))
    for (const text of [...this.targets.keys()]) if (!wanted.has(text)) this.targets.delete(text)
    const asked = new Map<string, HealthCheck>()
    for (const { target, health } of routes) if (health !== undefined) asked.set(target, health)
    for (const [text, { settings, health }] of [...this.checks]) {
      const now = asked.get(text)
      if (now !== undefined && JSON.stringify(now) === settings) continue
      health.stop()
      this.checks.delete(text)
    }
    for (const [text, check] of asked) {
      if (this.checks.has(text)) continue
      this.checks.set(text, { settings: JSON.stringify(check), health: new Health(this.get(text), check) })
    }
  }
}
