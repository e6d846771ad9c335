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

export const freePort = (host: string): Effect.Effect<number, RuntimeError> =>
  tryPort(host, 0).pipe(Effect.mapError((error) => hostFailed(host, error)))

/** Fails with `PortTaken` when somebody else listens there. */
export const requireFree = (server: string, host: string, port: number): Effect.Effect<void, RuntimeError> =>
  tryPort(host, port).pipe(
    Effect.mapError((error) =>
      error.code === "EADDRINUSE" ? fail(new PortTaken({ server, host, port })) : hostFailed(host, error)
    ),
    Effect.asVoid
  )
