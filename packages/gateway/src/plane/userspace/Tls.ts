/** The TLS handshakes of a session: with the client, with the target, and the Postgres question before either. */
import type { Socket } from "node:net"
import { isIP } from "node:net"
import type { Duplex } from "node:stream"
import { connect as connectTls, type SecureContext, TLSSocket } from "node:tls"
import type { TargetTls, TlsOffer } from "../../client/Tls.ts"
import * as Postgres from "./opening/Postgres.ts"
import { peek } from "./wire/Peek.ts"
import * as Wire from "./wire/Wire.ts"

/** Milliseconds for a handshake, or for the bytes that say which target is meant. */
export const patience = 10_000

type Terminate = Extract<TlsOffer, { mode: "terminate" }>

/** Where contexts come from; undefined when the files cannot be read any more. */
export interface Contexts {
  readonly served: (tls: Terminate) => SecureContext | undefined
  readonly trusted: (tls: TargetTls) => SecureContext | undefined
}

interface Step {
  cancel(): void
}

const nothingToCancel: Step = { cancel: () => undefined }

/** Waits for `event`; a socket that fails or takes too long is destroyed. */
const settled = (socket: TLSSocket, event: "secure" | "secureConnect", done: (ok: boolean) => void): Step => {
  let over = false
  const finish = (ok: boolean) => {
    if (over) return
    over = true
    clearTimeout(timer)
    socket.off("close", failed)
    done(ok)
    if (!ok) socket.destroy()
  }
  const failed = () => finish(false)
  const timer = setTimeout(failed, patience)
  // The handler stays: an error between two owners must not become an uncaught one.
  socket.on("error", failed)
  socket.once("close", failed)
  socket.once(event, () => finish(true))
  return {
    cancel: () => {
      over = true
      clearTimeout(timer)
      socket.destroy()
    }
  }
}

/** The server's side. `done` gets the plain text of the session, or undefined. */
export const accept = (
  client: Socket,
  tls: Terminate,
  contexts: Contexts,
  done: (secured: Duplex | undefined) => void
): Step => {
  const secureContext = contexts.served(tls)
  if (secureContext === undefined) {
    queueMicrotask(() => done(undefined))
    return nothingToCancel
  }
  client.on("error", () => undefined)
  const secured = new TLSSocket(client, {
    isServer: true,
    secureContext,
    ...(tls.start === "postgres" ? { ALPNProtocols: [Postgres.alpn] } : {})
  })
  // `secure` is what the server's side of a wrapped socket says; the public type knows only the client's event.
  return settled(secured, "secure", (ok) => done(ok ? secured : undefined))
}

/** The client's side towards a target. The certificate must be right. */
export const connect = (
  wire: Wire.Wire,
  tls: TargetTls,
  host: string,
  contexts: Contexts,
  done: (secured: Duplex | undefined) => void
): Step => {
  const start = (): Step => {
    const secureContext = contexts.trusted(tls)
    if (secureContext === undefined) {
      Wire.close(wire)
      queueMicrotask(() => done(undefined))
      return nothingToCancel
    }
    const serverName = tls.serverName ?? host
    const socket = Wire.toSocket(wire, new Uint8Array(0))
    socket.on("error", () => undefined)
    const secured = connectTls({
      socket,
      secureContext,
      host: serverName,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      rejectUnauthorized: true
    })
    return settled(secured, "secureConnect", (ok) => done(ok ? secured : undefined))
  }
  if (tls.start !== "postgres") return start()
  let step: Step = askPostgres(wire, (agreed) => {
    if (agreed === undefined) return done(undefined)
    step = start()
  })
  return { cancel: () => step.cancel() }
}

/** Asks a Postgres server for TLS. `done` gets the wire when it agrees; otherwise the wire is closed. */
export const askPostgres = (wire: Wire.Wire, done: (agreed: Wire.Wire | undefined) => void): Step => {
  const refuse = () => {
    Wire.close(wire)
    done(undefined)
  }
  const answer = peek(
    wire,
    patience,
    (bytes) => {
      // More than the one byte would be plain text that somebody slipped in before TLS.
      if (bytes.length === 1 && bytes[0] === Postgres.yes[0]) done(wire)
      else refuse()
      return true
    },
    refuse
  )
  Wire.send(wire, Postgres.sslRequest)
  return {
    cancel: () => {
      answer.cancel()
      Wire.close(wire)
    }
  }
}
