/** Real servers and clients on loopback, closed with the test's scope. */
import { createHash } from "node:crypto"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Effect, type Scope } from "effect"

const portOf = (server: Server): number => {
  const address: AddressInfo | string | null = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** A server on a port of its own. Its connections end with the scope. */
export const listen = (
  handler: (socket: Socket) => void,
  host = "127.0.0.1"
): Effect.Effect<{ readonly port: number; readonly open: () => number }, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const sockets = new Set<Socket>()
        const server = createServer({ allowHalfOpen: true }, (socket) => {
          sockets.add(socket)
          socket.on("close", () => sockets.delete(socket))
          socket.on("error", () => undefined)
          handler(socket)
        })
        await new Promise<void>((resolve) => server.listen(0, host, resolve))
        return { server, sockets }
      }),
      ({ server, sockets }) =>
        Effect.promise(async () => {
          for (const socket of sockets) socket.destroy()
          await new Promise((resolve) => server.close(resolve))
        })
    ),
    ({ server, sockets }) => ({ port: portOf(server), open: () => sockets.size })
  )

/** A port that was free a moment ago. */
export const freePort: Effect.Effect<number> = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const port = portOf(server)
        server.close(() => resolve(port))
      })
    })
)

/** A connected client, destroyed with the scope. */
export const dial = (port: number, host = "127.0.0.1"): Effect.Effect<Socket, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Socket, Error>((resume) => {
      const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
      socket.on("error", (error) => resume(Effect.fail(error)))
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** Connects and waits for the refusal, which can come before the connection is complete. */
export const isRefused = (port: number): Effect.Effect<boolean> =>
  dial(port).pipe(
    Effect.flatMap((socket) => Effect.promise(() => closed(socket))),
    Effect.orElseSucceed(() => true),
    Effect.scoped
  )

/** Echoes, and ends when the client ended. */
export const echo = (socket: Socket): void => {
  socket.pipe(socket)
}

/** How a stream ended, and the digest of everything that came before. */
export interface Received {
  readonly bytes: number
  readonly sha256: string
  readonly ended: "end" | "error"
}

export const receive = (socket: Duplex): Promise<Received> =>
  new Promise((resolve) => {
    const hash = createHash("sha256")
    let bytes = 0
    const done = (ended: "end" | "error") => resolve({ bytes, sha256: hash.digest("hex"), ended })
    let over = false
    const once = (ended: "end" | "error") => {
      if (!over) done(ended)
      over = true
    }
    socket.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length
      hash.update(chunk)
    })
    socket.resume()
    socket.once("end", () => once("end"))
    socket.once("error", () => once("error"))
    socket.once("close", () => once("error"))
  })

/** Everything a peer sends until it ends, as text. */
export const readAll = (socket: Duplex): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Array<Uint8Array> = []
    const done = () => resolve(Buffer.concat(chunks).toString("latin1"))
    socket.on("data", (chunk: Uint8Array) => chunks.push(chunk))
    socket.once("end", done)
    socket.once("close", done)
    socket.on("error", () => undefined)
  })

/** Reads until that much has come. */
export const readSome = (socket: Duplex, length: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const onData = (chunk: Uint8Array) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length < length) return
      socket.off("data", onData)
      socket.off("close", onClose)
      resolve(bytes)
    }
    const onClose = () => reject(new Error(`closed after ${bytes.length} of ${length} bytes`))
    socket.on("data", onData)
    socket.once("close", onClose)
    socket.on("error", () => undefined)
  })

/** Resolves when the socket is closed, with whether it was by an error. */
export const closed = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    socket.on("error", () => undefined)
    socket.once("close", resolve)
    socket.once("end", () => socket.end())
    socket.resume()
  })

/** Repeats a look until it is true, at most ten seconds. */
export const eventually = (look: () => boolean | Promise<boolean>): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let left = 1000; left > 0; left--) {
      if (await look()) return
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error("what was waited for did not happen within ten seconds")
  })

/** Numbers from a seed, the same in every run. */
export const random = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0 || 1
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
