/** A listening port on one address. */
import { createServer, type Server } from "node:net"
import { getSystemErrorName } from "node:util"
import * as Handle from "./wire/Handle.ts"
import * as Wire from "./wire/Wire.ts"

/** Connections the kernel holds until they are accepted. */
const backlog = 4096

export interface Door {
  close(): void
  /** The listening handle, for a successor to go on with. */
  readonly handle: Handle.Handle | undefined
}

export interface Visitors {
  /** A client. It is not read from before somebody asks. */
  readonly arrived: (wire: Wire.Wire) => void
  /** No client could be accepted, mostly for want of file handles. */
  readonly lost: () => void
}

export interface Options {
  readonly address: string
  readonly port: number
  /** Bind IPv6 alone, because the IPv4 side has a door of its own. */
  readonly ipv6Only: boolean
  /** Share the port with the other workers. */
  readonly shared: boolean
  /** A listening handle from the process whose place is taken. */
  readonly inherited: Handle.Handle | undefined
}

/** Opens the door, or says with which system error (`EADDRINUSE`, `EACCES`, …) it could not. */
export const open = (options: Options, visitors: Visitors): Promise<Door | string> =>
  Handle.available ? Promise.resolve(openHandle(options, visitors)) : openServer(options, visitors)

const nameOf = (status: number): string => getSystemErrorName(status)

/** Binds and does not listen yet. */
export const bind = (options: Options): Handle.Handle | string => {
  const handle = Handle.makeServer()
  const flags = options.shared ? Handle.reusePort : 0
  const status = options.address.includes(":")
    ? handle.bind6(options.address, options.port, flags | (options.ipv6Only ? Handle.ipv6Only : 0))
    : handle.bind(options.address, options.port, flags)
  if (status === 0) return handle
  handle.close()
  return nameOf(status)
}

/**
 * One listening socket for each of several workers. Sharing a port would also share it with another gateway, so it is
 * first found out whether the port is free.
 */
export const bindAll = (
  options: Omit<Options, "shared" | "inherited"> & {
    readonly count: number
    readonly inherited: (index: number) => Handle.Handle | undefined
  }
): ReadonlyArray<Handle.Handle> | string => {
  const inherited = Array.from({ length: options.count }, (_, index) => options.inherited(index))
  if (inherited.every((handle) => handle === undefined)) {
    const probe = bind({ ...options, shared: false, inherited: undefined })
    if (typeof probe === "string") return probe
    const status = probe.listen(1)
    probe.close()
    if (status !== 0) return nameOf(status)
  }
  const handles: Array<Handle.Handle> = []
  for (const known of inherited) {
    const handle = known ?? bind({ ...options, shared: true, inherited: undefined })
    if (typeof handle === "string") {
      for (const each of handles) each.close()
      return handle
    }
    handles.push(handle)
  }
  return handles
}

const openHandle = (options: Options, visitors: Visitors): Door | string => {
  const handle = options.inherited ?? bind(options)
  if (typeof handle === "string") return handle
  handle.onconnection = (status, client) => {
    if (status !== 0 || client === undefined) return visitors.lost()
    Wire.tune(client)
    visitors.arrived(client)
  }
  const status = handle.listen(backlog)
  if (status === 0) return { close: () => handle.close(), handle }
  handle.close()
  return nameOf(status)
}

const openServer = (options: Options, visitors: Visitors): Promise<Door | string> =>
  new Promise((resolve) => {
    const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
      Wire.tune(socket)
      socket.on("error", () => undefined)
      visitors.arrived(socket)
    })
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(
      {
        host: options.address,
        port: options.port,
        backlog,
        ipv6Only: options.ipv6Only,
        ...(options.shared ? { reusePort: true } : {})
      },
      () => {
        server.on("error", visitors.lost)
        resolve({ close: () => void server.close(), handle: undefined })
      }
    )
  })
