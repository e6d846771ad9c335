/** Ports of this machine. */
import { createServer } from "node:net"
import { Effect } from "effect"
import { fail, HostFailed, PortTaken, type RuntimeError } from "../RuntimeError.ts"

/** Listens for a moment; answers with the port. Port 0 lets the operating system choose. */
const tryPort = (host: string, port: number) =>
  Effect.callback<number, NodeJS.ErrnoException>((resume) => {
    const server = createServer()
    server.once("error", (error) => resume(Effect.fail(error)))
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      const given = typeof address === "object" && address !== null ? address.port : port
      server.close(() => resume(Effect.succeed(given)))
    })
    return Effect.sync(() => void server.close())
  })

const hostFailed = (host: string, error: Error): RuntimeError =>
  fail(new HostFailed({ action: `listen on ${host}`, detail: error.message, isRetryable: false }))

/** The operating system gives ports at random; so many tries in a row meet only given ones when nearly all are. */
const tries = 100

/** A port that nobody listens on and that is none of `given`. */
export const freePort = (host: string, given: ReadonlySet<number>): Effect.Effect<number, RuntimeError> =>
  tryPort(host, 0).pipe(
    Effect.repeat({ times: tries, until: (port) => !given.has(port) }),
    Effect.mapError((error) => hostFailed(host, error)),
    Effect.filterOrFail(
      (port) => !given.has(port),
      () => hostFailed(host, new Error("every port that it gave belongs to a server already"))
    )
  )

/** Fails with `PortTaken` when somebody else listens there. */
export const requireFree = (server: string, host: string, port: number): Effect.Effect<void, RuntimeError> =>
  tryPort(host, port).pipe(
    Effect.mapError((error) =>
      error.code === "EADDRINUSE" ? fail(new PortTaken({ server, host, port })) : hostFailed(host, error)
    ),
    Effect.asVoid
  )
