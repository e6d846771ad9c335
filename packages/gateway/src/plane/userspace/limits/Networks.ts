/** Who may connect: the networks of a route's allow-list and deny-list, as fast to ask for one network as for many. */

import { BlockList, isIPv4 } from "node:net"
import { IpNetwork } from "effect/net"
import type { Route } from "../../../client/Route.ts"

type Network = IpNetwork.IpNetwork

const loopback = ["127.0.0.0/8", "::1/128"]

/** Lists with the same networks are one list, so ten thousand routes with one allow-list cost one. */
const known = new Map<string, WeakRef<BlockList>>()

const listOf = (networks: ReadonlyArray<string>): BlockList => {
  const key = networks.join(" ")
  const shared = known.get(key)?.deref()
  if (shared !== undefined) return shared
  const list = new BlockList()
  for (const network of networks) {
    const slash = network.lastIndexOf("/")
    const address = network.slice(0, slash)
    list.addSubnet(address, Number(network.slice(slash + 1)), isIPv4(address) ? "ipv4" : "ipv6")
  }
  if (known.size > 10_000) for (const [each, ref] of known) if (ref.deref() === undefined) known.delete(each)
  known.set(key, new WeakRef(list))
  return list
}

const texts = (networks: ReadonlyArray<Network>): ReadonlyArray<string> => networks.map(IpNetwork.format)

const contains = (list: BlockList, address: string): boolean =>
  list.check(address, address.includes(":") ? "ipv6" : "ipv4")

export interface Networks {
  /** Whether a client with this address may use the route. */
  readonly allows: (address: string) => boolean
}

/** Without `allow` only this machine may connect. */
export const ofRoute = (route: Pick<Route, "allow" | "deny">): Networks => {
  const allow = listOf(route.allow === undefined ? loopback : texts(route.allow))
  const deny = route.deny === undefined || route.deny.length === 0 ? undefined : listOf(texts(route.deny))
  return { allows: (address) => contains(allow, address) && (deny === undefined || !contains(deny, address)) }
}

/** Membership of a plain list; nothing is in an empty one. */
export const membership = (networks: ReadonlyArray<Network>): ((address: string) => boolean) => {
  if (networks.length === 0) return () => false
  const list = listOf(texts(networks))
  return (address) => contains(list, address)
}
