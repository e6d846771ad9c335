/** The loads. Each answers with numbers of which more, or less, is better. */
import { connect, createServer, type Socket } from "node:net"
import { run } from "./peers.ts"

export interface RedisResult {
  readonly perSecond: number
  /** Milliseconds. */
  readonly median: number
  readonly p99: number
}

/** One line of `redis-benchmark --csv` for each test. */
export const redis = (port: number, args: ReadonlyArray<string>): ReadonlyArray<RedisResult> =>
  run("redis-benchmark", ["-p", String(port), "--csv", ...args])
    .trim()
    .split("\n")
    .filter((line) => /^"(GET|SET|PING)/.test(line))
    .map((line) => {
      const fields = line.split(",").map((field) => Number(field.replace(/"/g, "")))
      return { perSecond: fields[1] ?? 0, median: fields[4] ?? 0, p99: fields[6] ?? 0 }
    })

export const pgbench = (port: number, seconds: number): number => {
  const args = [
    "-S",
    "-n",
    "-c",
    "10",
    "-j",
    "1",
    "-T",
    String(seconds),
    "-p",
    String(port),
    "-h",
    "127.0.0.1",
    "-U",
    "postgres"
  ]
  return Number(/tps = ([\d.]+) \(without/.exec(run("pgbench", [...args, "postgres"]))?.[1] ?? 0)
}

/** A server that sends or swallows as much as it is asked to: the first byte says which, eight more how much. */
export const bulkServer = (port: number): Promise<void> =>
  new Promise((resolve) => {
    const chunk = Buffer.alloc(1 << 18, 1)
    const send = (socket: Socket, left: number) => {
      let rest = left
      const more = () => {
        while (rest > 0 && socket.write(rest > chunk.length ? chunk : chunk.subarray(0, rest))) rest -= chunk.length
        rest -= rest > 0 ? chunk.length : 0
        if (rest <= 0) socket.end()
      }
      socket.on("drain", more)
      more()
    }
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined)
      socket.once("data", (first: Buffer) => {
        const amount = Number(first.readBigUInt64BE(1))
        if (first[0] === 1) return send(socket, amount)
        socket.on("data", () => undefined)
        socket.on("end", () => socket.end("k"))
      })
    }).listen(port, "127.0.0.1", resolve)
  })

/** Megabytes a second in one direction over one connection. */
export const bulk = (port: number, down: boolean, bytes: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const started = performance.now()
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    socket.once("error", reject)
    const order = Buffer.alloc(9)
    order[0] = down ? 1 : 0
    order.writeBigUInt64BE(BigInt(bytes), 1)
    socket.write(order)
    socket.on("data", () => undefined)
    socket.on("end", () => {
      socket.destroy()
      resolve(bytes / 1e6 / ((performance.now() - started) / 1000))
    })
    if (down) return
    const chunk = Buffer.alloc(1 << 18, 2)
    let left = bytes
    const more = () => {
      while (left > 0) {
        left -= chunk.length
        if (!socket.write(chunk)) return
      }
      socket.off("drain", more)
      socket.end()
    }
    socket.on("drain", more)
    more()
  })

/** Opens that many connections that said one word and are quiet since; closes them when `then` is done. */
export const idle = async <A>(port: number, count: number, then: () => Promise<A>): Promise<A> => {
  const sockets: Array<Socket> = []
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1")
      sockets.push(socket)
      socket.once("error", reject)
      socket.once("data", () => resolve())
      socket.write("PING\r\n")
    })
  for (let done = 0; done < count; done += 50) await Promise.all(Array.from({ length: 50 }, open))
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const answer = await then()
  for (const socket of sockets) socket.destroy()
  return answer
}
