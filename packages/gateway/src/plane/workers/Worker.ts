/** A worker: the userspace plane in a process of its own, ordered about by the gateway that started it. */
import { Result } from "effect"
import * as Table from "../../client/Table.ts"
import { Carriage } from "../userspace/Carriage.ts"
import type { Admission } from "../userspace/limits/Limiter.ts"
import type { Supply } from "../userspace/limits/Meters.ts"
import { viaServers, viaSystem } from "../userspace/target/Resolver.ts"
import type { Handle } from "../userspace/wire/Handle.ts"
import type { Order, Report } from "./Messages.ts"

const marker = "BERTH_GATEWAY_WORKER"
const tallyEvery = 1000

export const environment = { [marker]: "1" }

/** Whether this process was started as a worker. */
export const isWorker = (): boolean => process.env[marker] === "1" && process.send !== undefined

const isOrder = (message: unknown): message is Order =>
  typeof message === "object" && message !== null && "tag" in message

const say = (report: Report): void => {
  if (process.connected) process.send?.(report, undefined, undefined, () => undefined)
}

/** Questions to the gateway that wait for their answer. */
class Questions<A> {
  private readonly waiting = new Map<number, (answer: A) => void>()
  private last = 0

  ask(answer: (answer: A) => void): number {
    this.last += 1
    this.waiting.set(this.last, answer)
    return this.last
  }

  answer(number: number, value: A): void {
    const waiting = this.waiting.get(number)
    this.waiting.delete(number)
    waiting?.(value)
  }
}

/** Carries until the gateway goes away, and then ends: without it nobody could cut what a worker carries. */
export const run = (): void => {
  const admissions = new Questions<Parameters<Parameters<Admission["admit"]>[2]>[0]>()
  const draws = new Questions<number>()
  const inherited = new Map<string, Handle>()
  let carriage: Carriage | undefined

  const admission: Admission = {
    admit: (route, address, answer) => say({ tag: "admit", number: admissions.ask(answer), route, address }),
    release: (route, address) => say({ tag: "release", route, address })
  }
  const supply = (wholeRate: number | undefined): Supply => ({
    wholeRate,
    draw: (name, rate, bytes, answer) => say({ tag: "draw", number: draws.ask(answer), name, rate, bytes })
  })
  const start = (order: Extract<Order, { tag: "start" }>) =>
    new Carriage({
      listen: order.listen,
      worker: order.worker,
      shared: true,
      admission,
      supply: supply(order.wholeRate),
      resolve: order.dns === undefined ? viaSystem() : viaServers(order.dns),
      inherited,
      ended: (session) => say({ tag: "ended", session }),
      refused: (reason, route, address) => say({ tag: "refused", reason, route, address }),
      failed: (session, error) => say({ tag: "failed", session, error: String(error) })
    })

  const obey = async (order: Order, carrying: Carriage) => {
    switch (order.tag) {
      case "apply": {
        const routes = Table.fromUnknown(order.routes)
        const issues = Result.isSuccess(routes) ? await carrying.apply(routes.success) : routes.failure.issues
        return say({ tag: "applied", number: order.number, issues })
      }
      case "connections":
        return say({ tag: "connections", number: order.number, connections: carrying.connections() })
      case "counters":
        return say({ tag: "counters", number: order.number, counters: carrying.counters() })
      case "cut":
        return say({ tag: "cut", number: order.number, count: await carrying.cut(order.which, order.grace) })
      case "stopAccepting":
        carrying.stopAccepting()
        return say({ tag: "stopped", number: order.number })
      case "reloadCertificates":
        return carrying.reloadCertificates((files, problem) => say({ tag: "certificates", files, problem }))
    }
  }

  process.on("message", (message: unknown, handle: unknown) => {
    if (!isOrder(message)) return
    if (message.tag === "start") carriage = start(message)
    // Node hands over the bare handle it was sent; its own type for it is `unknown`.
    else if (message.tag === "door") inherited.set(message.key, handle as Handle)
    else if (message.tag === "admitted") admissions.answer(message.number, message.refusal)
    else if (message.tag === "drawn") draws.answer(message.number, message.granted)
    else if (carriage !== undefined) void obey(message, carriage)
  })
  process.on("disconnect", () => process.exit(0))
  // The gateway decides when a worker ends; a signal to the whole group is meant for the gateway.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const) process.on(signal, () => undefined)
  setInterval(() => {
    if (carriage !== undefined) say({ tag: "tally", counters: carriage.counters() })
  }, tallyEvery)
  say({ tag: "up" })
}
