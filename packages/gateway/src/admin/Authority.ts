/** Who may give orders: the token, and where the admin API may listen without one. */
import { createHash, timingSafeEqual } from "node:crypto"
import { BlockList, isIP, isIPv4 } from "node:net"
import { Redacted } from "effect"

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Compares without telling by the time it takes how much was right. */
export const isToken = (given: string, expected: Redacted.Redacted): boolean =>
  timingSafeEqual(digest(given), digest(Redacted.value(expected)))

/** Whether `text` hashes to one of the digests (SHA-256, hexadecimal); every one is compared. */
export const isOneOf = (text: string, digests: ReadonlyArray<string>): boolean => {
  const own = digest(text)
  let found = false
  for (const each of digests) {
    const other = Buffer.from(each, "hex")
    if (other.length === own.length && timingSafeEqual(other, own)) found = true
  }
  return found
}

export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }

/** `host:port`, `[IPv6]:port` or the path of a Unix socket (`/run/…` or `unix:…`). */
export const parseAddress = (text: string): Address | undefined => {
  if (text.startsWith("unix:")) return text.length > 5 ? { kind: "unix", path: text.slice(5) } : undefined
  if (text.startsWith("/") || text.startsWith("./")) return { kind: "unix", path: text }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || !(port <= 65_535) ? undefined : { kind: "tcp", host, port }
}

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")

export const isLoopback = (host: string): boolean =>
  host === "localhost" || (isIP(host) !== 0 && loopback.check(host, isIPv4(host) ? "ipv4" : "ipv6"))

/** Why the admin API may not listen there without a token, or undefined when it may. */
export const refusal = (address: Address, hasToken: boolean): string | undefined =>
  hasToken || address.kind === "unix" || isLoopback(address.host)
    ? undefined
    : `the admin API would listen on ${address.host} without a token, and whoever reaches it could route any port ` +
      "anywhere; set admin.tokenFile, or listen on 127.0.0.1, ::1 or a Unix socket"

/**
 * Whether a request names this machine. A web page can make a browser send requests to loopback, but only under the
 * page's own name: without a token that name is all that tells such a page from the operator.
 */
export const isOwnHost = (host: string | undefined): boolean => {
  const name = host?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")
  return name === undefined || name === "" || isLoopback(name)
}
