/**
 * The PROXY protocol, versions 1 and 2: how a proxy in front tells the real client, and how this one tells the target.
 * Reading is pure and takes untrusted bytes.
 */
import { isIPv4, isIPv6 } from "node:net"

export interface Ends {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
}

export type Parsed =
  | { readonly tag: "more" }
  | { readonly tag: "bad" }
  /** `ends` is missing when the proxy speaks for itself (a health check) or does not know. */
  | { readonly tag: "header"; readonly length: number; readonly ends: Ends | undefined }

const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1")
/** The longest version 1 header, its line end included. */
const longestV1 = 107
/** Version 2 allows 64 KB of extensions; nobody sends them, and nobody gets to fill memory with them. */
const longestV2 = 2048

const more: Parsed = { tag: "more" }
const bad: Parsed = { tag: "bad" }

const startsLike = (bytes: Uint8Array, expected: Uint8Array): boolean =>
  bytes.subarray(0, expected.length).every((byte, index) => byte === expected[index])

const v1Name = Buffer.from("PROXY ", "latin1")

export const parse = (bytes: Uint8Array): Parsed => {
  if (bytes.length === 0) return more
  if (startsLike(bytes, signature)) return bytes.length < 16 ? more : parseV2(bytes)
  if (startsLike(bytes, v1Name)) return parseV1(bytes)
  return bad
}

const portOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined

const parseV1 = (bytes: Uint8Array): Parsed => {
  const head = Buffer.from(bytes.subarray(0, longestV1)).toString("latin1")
  const end = head.indexOf("\r\n")
  if (end < 0) return bytes.length >= longestV1 ? bad : more
  const [, family, source, destination, from, to, ...rest] = head.slice(0, end).split(" ")
  const length = end + 2
  if (family === "UNKNOWN") return { tag: "header", length, ends: undefined }
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined
  const sourcePort = portOf(from)
  const destinationPort = portOf(to)
  return isAddress !== undefined &&
    rest.length === 0 &&
    source !== undefined &&
    destination !== undefined &&
    sourcePort !== undefined &&
    destinationPort !== undefined &&
    isAddress(source) &&
    isAddress(destination)
    ? { tag: "header", length, ends: { source, sourcePort, destination, destinationPort } }
    : bad
}

const ipv6Text = (view: DataView, at: number): string =>
  Array.from({ length: 8 }, (_, group) => view.getUint16(at + group * 2).toString(16)).join(":")

const ipv4Text = (view: DataView, at: number): string =>
  Array.from({ length: 4 }, (_, byte) => view.getUint8(at + byte)).join(".")

const parseV2 = (bytes: Uint8Array): Parsed => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const command = view.getUint8(12)
  const family = view.getUint8(13)
  const length = 16 + view.getUint16(14)
  if (command >> 4 !== 2 || (command & 15) > 1 || length > longestV2) return bad
  if (bytes.length < length) return more
  if ((command & 15) === 0 || family === 0) return { tag: "header", length, ends: undefined }
  if (family === 0x11 && length >= 28) {
    return {
      tag: "header",
      length,
      ends: {
        source: ipv4Text(view, 16),
        destination: ipv4Text(view, 20),
        sourcePort: view.getUint16(24),
        destinationPort: view.getUint16(26)
      }
    }
  }
  if (family === 0x21 && length >= 52) {
    return {
      tag: "header",
      length,
      ends: {
        source: ipv6Text(view, 16),
        destination: ipv6Text(view, 32),
        sourcePort: view.getUint16(48),
        destinationPort: view.getUint16(50)
      }
    }
  }
  return bad
}

/** The eight groups of an IPv6 address; an IPv4 one is mapped. */
const groups = (address: string): ReadonlyArray<number> => {
  if (isIPv4(address)) {
    const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number)
    return [0, 0, 0, 0, 0, 0xffff, (a << 8) | b, (c << 8) | d]
  }
  const parts = (text: string): ReadonlyArray<number> =>
    text === ""
      ? []
      : text.split(":").flatMap((group) => (isIPv4(group) ? groups(group).slice(6) : [Number.parseInt(group, 16)]))
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::")
  const left = parts(head)
  const right = tail === undefined ? [] : parts(tail)
  return [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => 0), ...right]
}

export const encodeV1 = (ends: Ends): Uint8Array => {
  const both4 = isIPv4(ends.source) && isIPv4(ends.destination)
  const text = (address: string) =>
    both4
      ? address
      : groups(address)
          .map((group) => group.toString(16))
          .join(":")
  const family = both4 ? "TCP4" : "TCP6"
  return Buffer.from(
    `PROXY ${family} ${text(ends.source)} ${text(ends.destination)} ${ends.sourcePort} ${ends.destinationPort}\r\n`,
    "latin1"
  )
}

export const encodeV2 = (ends: Ends): Uint8Array => {
  const both4 = isIPv4(ends.source) && isIPv4(ends.destination)
  const size = both4 ? 12 : 36
  const out = Buffer.alloc(16 + size)
  signature.copy(out)
  out[12] = 0x21
  out[13] = both4 ? 0x11 : 0x21
  out.writeUInt16BE(size, 14)
  let at = 16
  for (const address of [ends.source, ends.destination]) {
    for (const group of both4 ? groups(address).slice(6) : groups(address)) at = out.writeUInt16BE(group, at)
  }
  at = out.writeUInt16BE(ends.sourcePort, at)
  out.writeUInt16BE(ends.destinationPort, at)
  return out
}
