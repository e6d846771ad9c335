/** One worker process, as the gateway sees it. */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Counters } from "../../client/Connection.ts"
import { isSingleFile } from "../../singleFile.ts"
import type { Handle } from "../userspace/wire/Handle.ts"
import type { Order, Report } from "./Messages.ts"
import * as Tally from "./Tally.ts"
import * as Worker from "./Worker.ts"

type Numbered<T> = T extends { readonly number: number } ? Omit<T, "number"> : never

const isReport = (message: unknown): message is Report =>
  typeof message === "object" && message !== null && "tag" in message

export interface Events {
  readonly reported: (report: Report, child: Child) => void
  readonly died: (child: Child) => void
}

/** The program that a worker is: this executable, or the module beside this one. */
const program = (): ReadonlyArray<string> =>
  isSingleFile() ? [] : [...process.execArgv, fileURLToPath(new URL(import.meta.resolve("@berth/gateway/bin")))]

export class Child {
  readonly number: number
  /** The last counts it told. */
  counters: Counters = Tally.none
  alive = true
  private readonly process: ChildProcess
  private readonly waiting = new Map<number, (report: Report | undefined) => void>()
  private last = 0

  constructor(number: number, events: Events) {
    this.number = number
    this.process = spawn(process.execPath, program(), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, ...Worker.environment, BERTH_GATEWAY_TAKEOVER: "" },
      serialization: "advanced"
    })
    this.process.on("message", (message: unknown) => {
      if (!isReport(message)) return
      if ("counters" in message) this.counters = message.counters
      const waiting = "number" in message && isAnswer(message) ? this.waiting.get(message.number) : undefined
      if (waiting === undefined) return events.reported(message, this)
      if ("number" in message) this.waiting.delete(message.number)
      waiting(message)
    })
    const died = () => {
      if (!this.alive) return
      this.alive = false
      for (const waiting of this.waiting.values()) waiting(undefined)
      events.died(this)
    }
    this.process.once("exit", died)
    this.process.once("error", died)
  }

  get pid(): number | undefined {
    return this.process.pid
  }

  tell(order: Order, handle?: Handle): void {
    if (!this.alive || !this.process.connected) return
    // A bare handle is something that can be sent, but not in the public type.
    this.process.send(order, handle as never, {}, () => undefined)
  }

  /** Asks and waits; undefined when the worker died over it. */
  ask(order: Numbered<Order>): Promise<Report | undefined> {
    if (!this.alive) return Promise.resolve(undefined)
    this.last += 1
    const number = this.last
    return new Promise((resolve) => {
      this.waiting.set(number, resolve)
      this.tell({ ...order, number } as Order)
    })
  }

  kill(): void {
    this.process.kill("SIGKILL")
  }
}

/** What answers an order, as opposed to what asks the gateway. */
const isAnswer = (report: Report): boolean => report.tag !== "admit" && report.tag !== "draw"
