/** Ranges of addresses for networks beyond those that a Docker Engine gives by itself. */

/** 10.209.0.0/16 in 256 parts of 254 addresses each. */
const base = (10 * 256 + 209) * 65_536
const parts = 256
const partSize = 256

const toNumber = (address: string): number => address.split(".").reduce((total, part) => total * 256 + Number(part), 0)

interface Range {
  readonly first: number
  readonly last: number
}

const rangeOf = (subnet: string): Range | undefined => {
  const [address, bits] = subnet.split("/")
  if (address === undefined || bits === undefined || !/^\d+(\.\d+){3}$/.test(address)) return undefined
  const size = 2 ** (32 - Number(bits))
  const first = Math.floor(toNumber(address) / size) * size
  return { first, last: first + size - 1 }
}

/** The first part that overlaps none of `used`, such as `10.209.3.0/24`. IPv6 subnets are passed over. */
export const freeSubnet = (used: ReadonlyArray<string>): string | undefined => {
  const taken = used.map(rangeOf).filter((range) => range !== undefined)
  for (let part = 0; part < parts; part++) {
    const first = base + part * partSize
    const last = first + partSize - 1
    if (!taken.some((range) => range.first <= last && first <= range.last)) return `10.209.${part}.0/24`
  }
  return undefined
}
