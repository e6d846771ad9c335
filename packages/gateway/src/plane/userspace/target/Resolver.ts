/**
 * Names to addresses, kept for the record's time to live. The machine's own lookup answers (it knows `/etc/hosts` and
 * search domains), the DNS says how long the answer holds; a name it does not know holds for half a minute.
 */
import { lookup } from "node:dns"
import { Resolver as Dns } from "node:dns/promises"
import { isIP } from "node:net"

export interface Resolved {
  readonly addresses: ReadonlyArray<string>
  /** Seconds. */
  readonly ttl: number
}

export type Resolve = (name: string) => Promise<Resolved>

const defaultTtl = 30
const shortestTtl = 1
const longestTtl = 3600

/** Asks these DNS servers (`address` or `address:port`) and nobody else. */
export const viaServers = (servers: ReadonlyArray<string>): Resolve => {
  const dns = new Dns({ timeout: 2000, tries: 2 })
  dns.setServers(servers)
  return async (name) => {
    const answers = await Promise.allSettled([dns.resolve4(name, { ttl: true }), dns.resolve6(name, { ttl: true })])
    const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
    if (records.length > 0) {
      return { addresses: records.map((each) => each.address), ttl: Math.min(...records.map((each) => each.ttl)) }
    }
    const [first] = answers
    throw first.status === "rejected" ? first.reason : new Error(`${name} has no address`)
  }
}

const system = (name: string): Promise<ReadonlyArray<string>> =>
  new Promise((resolve, reject) =>
    lookup(name, { all: true }, (error, found) =>
      error === null ? resolve(found.map((each) => each.address)) : reject(error)
    )
  )

const timeToLive = async (name: string, dns: Dns, ipv4: boolean): Promise<number> => {
  try {
    const records = await (ipv4 ? dns.resolve4(name, { ttl: true }) : dns.resolve6(name, { ttl: true }))
    return Math.min(...records.map((each) => each.ttl))
  } catch {
    // A name of the hosts file has no record and no time to live.
    return defaultTtl
  }
}

/** What the machine itself would dial. */
export const viaSystem = (): Resolve => {
  const dns = new Dns({ timeout: 1000, tries: 1 })
  return async (name) => {
    const addresses = await system(name)
    const dotted = name.includes(".")
    return { addresses, ttl: dotted ? await timeToLive(name, dns, isIP(addresses[0] ?? "") === 4) : defaultTtl }
  }
}

/** The addresses of one host, asked again when they are old or did not answer. */
export class Addresses {
  private readonly host: string
  private readonly resolve: Resolve
  private known: ReadonlyArray<string>
  private validUntil: number
  private pending: Promise<ReadonlyArray<string>> | undefined

  constructor(host: string, resolve: Resolve) {
    this.host = host
    this.resolve = resolve
    this.known = isIP(host) === 0 ? [] : [host]
    this.validUntil = isIP(host) === 0 ? 0 : Number.POSITIVE_INFINITY
  }

  /** What is known and still holds at `now` (milliseconds), without asking anybody. */
  current(now: number): ReadonlyArray<string> | undefined {
    return now < this.validUntil ? this.known : undefined
  }

  /** No address answered: the next one who dials asks again. */
  distrust(): void {
    if (isIP(this.host) === 0) this.validUntil = 0
  }

  /** Asks. When nobody answers, the addresses that held before are better than none. */
  refresh(now: () => number): Promise<ReadonlyArray<string>> {
    this.pending ??= this.resolve(this.host)
      .then(({ addresses, ttl }) => {
        if (addresses.length === 0) throw new Error(`${this.host} has no address`)
        this.known = addresses
        this.validUntil = now() + Math.min(longestTtl, Math.max(shortestTtl, ttl)) * 1000
        return addresses
      })
      .catch((error: unknown) => {
        if (this.known.length === 0) throw error
        return this.known
      })
      .finally(() => {
        this.pending = undefined
      })
    return this.pending
  }
}
