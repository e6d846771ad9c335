/**
 * One line of JSON for each session at its end, and for refused clients. Lines are gathered and written together;
 * refusals are logged at a limited rate, since they are what a flood consists of, and lines that nobody reads are
 * counted instead of kept.
 */
import type { Refusal, SessionEnded } from "../client/Connection.ts"

/** Lines a second for refusals of one route and reason. */
const refusalsPerSecond = 5
/** Bytes that the reader of the log may be behind. */
const mostBehind = 4 << 20

/** What the lines are written to. */
export interface Sink {
  readonly writableLength: number
  write(text: string): unknown
}

export class SessionLog {
  private readonly sink: Sink
  private lines: Array<string> = []
  private flushing = false
  private lost = 0
  private second = 0
  private readonly counts = new Map<string, number>()

  constructor(sink: Sink) {
    this.sink = sink
  }

  ended(session: SessionEnded, now: number): void {
    const level = session.ending === "internal" ? "ERROR" : "INFO"
    this.push({ timestamp: new Date(now).toISOString(), level, message: "session", ...session })
  }

  refused(reason: Refusal, route: string | undefined, address: string, now: number): void {
    const second = Math.floor(now / 1000)
    if (second !== this.second) this.startSecond(second, now)
    const key = `${route ?? ""} ${reason}`
    const count = (this.counts.get(key) ?? 0) + 1
    this.counts.set(key, count)
    if (count > refusalsPerSecond) return
    this.push({
      timestamp: new Date(now).toISOString(),
      level: "WARN",
      message: "refused",
      route,
      client: address,
      reason
    })
  }

  private startSecond(second: number, now: number): void {
    this.second = second
    for (const [key, count] of this.counts) {
      if (count <= refusalsPerSecond) continue
      const [route, reason] = key.split(" ")
      const timestamp = new Date(now).toISOString()
      this.push({ timestamp, level: "WARN", message: "refused more", route, reason, count: count - refusalsPerSecond })
    }
    this.counts.clear()
  }

  private push(entry: object): void {
    if (this.sink.writableLength > mostBehind) {
      this.lost += 1
      return
    }
    if (this.lost > 0) {
      this.lines.push(JSON.stringify({ level: "WARN", message: "log lines lost", count: this.lost }))
      this.lost = 0
    }
    this.lines.push(JSON.stringify(entry))
    if (this.flushing) return
    this.flushing = true
    setImmediate(() => this.flush())
  }

  private flush(): void {
    this.flushing = false
    const text = `${this.lines.join("\n")}\n`
    this.lines = []
    this.sink.write(text)
  }
}
