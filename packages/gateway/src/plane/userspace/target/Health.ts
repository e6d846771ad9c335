/** Active checks of the targets whose routes ask for them. */
import { Duration } from "effect"
import type { HealthCheck } from "../../../client/Route.ts"
import type { Attempt } from "../wire/Wire.ts"
import type { Target } from "./Target.ts"

export class Health {
  private readonly target: Target
  private readonly timeout: number
  private readonly failures: number
  private readonly timer: NodeJS.Timeout
  private running: Attempt | undefined
  private inARow = 0

  constructor(target: Target, check: HealthCheck) {
    this.target = target
    this.timeout = Duration.toMillis(check.timeout ?? Duration.seconds(2))
    this.failures = check.failures ?? 2
    this.timer = setInterval(() => this.run(), Duration.toMillis(check.interval ?? Duration.seconds(5)))
    this.timer.unref()
    this.run()
  }

  stop(): void {
    clearInterval(this.timer)
    this.running?.cancel()
    this.target.down = false
  }

  private run(): void {
    if (this.running !== undefined) return
    this.running = this.target.check(this.timeout, (alive) => {
      this.running = undefined
      this.inARow = alive ? 0 : this.inARow + 1
      this.target.down = this.inARow >= this.failures
      // A target that answers again is dialled at once; what failed before says nothing any more.
      if (alive && this.target.breaker.open) this.target.breaker.succeeded()
    })
  }
}
