/**
 * The server name in a TLS ClientHello, found without taking part in the handshake. Pure, takes untrusted bytes, and
 * looks at no more of them than a browser could send.
 */
export type Found =
  | { readonly tag: "more" }
  | { readonly tag: "bad" }
  /** A whole ClientHello; `serverName` in lower case, missing when the client named none. */
  | { readonly tag: "hello"; readonly serverName: string | undefined }

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
/** A record holds at most 16 KB and a little; a ClientHello of more than one record of that is no client of ours. */
export const longest = 16_384 + 256

const more: Found = { tag: "more" }
const bad: Found = { tag: "bad" }

/** The handshake bytes in all records that have come, or what is wrong with them. */
const unwrap = (bytes: Uint8Array): { readonly data: Uint8Array; readonly whole: boolean } | "bad" => {
  const parts: Array<Uint8Array> = []
  let at = 0
  while (at < bytes.length) {
    if (bytes[at] !== handshakeRecord) return "bad"
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return "bad"
    if (at + 5 > bytes.length) return { data: Buffer.concat(parts), whole: false }
    const length = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0)
    if (length === 0 || length > longest) return "bad"
    parts.push(bytes.subarray(at + 5, at + 5 + length))
    if (at + 5 + length > bytes.length) return { data: Buffer.concat(parts), whole: false }
    at += 5 + length
    const data = Buffer.concat(parts)
    if (data.length >= 4 && data.length >= 4 + data.readUIntBE(1, 3)) return { data, whole: true }
  }
  return { data: Buffer.concat(parts), whole: false }
}

/** Reads forward and says undefined past the end instead of throwing. */
class Cursor {
  private readonly data: Uint8Array
  private at: number
  private readonly end: number

  constructor(data: Uint8Array, at: number, end: number) {
    this.data = data
    this.at = at
    this.end = Math.min(end, data.length)
  }

  number(bytes: number): number | undefined {
    if (this.at + bytes > this.end) return undefined
    let value = 0
    for (let index = 0; index < bytes; index++) value = value * 256 + (this.data[this.at + index] ?? 0)
    this.at += bytes
    return value
  }

  /** A part that begins with its own length. */
  part(lengthBytes: number): Cursor | undefined {
    const length = this.number(lengthBytes)
    return length === undefined ? undefined : this.take(length)
  }

  take(length: number): Cursor | undefined {
    if (this.at + length > this.end) return undefined
    const part = new Cursor(this.data, this.at, this.at + length)
    this.at += length
    return part
  }

  get left(): number {
    return this.end - this.at
  }

  text(): string {
    return Buffer.from(this.data.subarray(this.at, this.end)).toString("latin1")
  }
}

export const parse = (bytes: Uint8Array): Found => {
  const unwrapped = unwrap(bytes)
  if (unwrapped === "bad") return bad
  const { data, whole } = unwrapped
  if (data.length > 0 && data[0] !== clientHello) return bad
  if (!whole) return bytes.length > longest ? bad : more
  const hello = new Cursor(data, 1, data.length).part(3)
  const skipped =
    hello?.take(2 + 32) !== undefined &&
    hello.part(1) !== undefined &&
    hello.part(2) !== undefined &&
    hello.part(1) !== undefined
  if (hello === undefined || !skipped) return bad
  if (hello.left === 0) return { tag: "hello", serverName: undefined }
  const extensions = hello.part(2)
  if (extensions === undefined) return bad
  while (extensions.left > 0) {
    const kind = extensions.number(2)
    const body = extensions.part(2)
    if (kind === undefined || body === undefined) return bad
    if (kind === serverNameExtension) return nameIn(body)
  }
  return { tag: "hello", serverName: undefined }
}

const nameIn = (body: Cursor): Found => {
  const names = body.part(2)
  const kind = names?.number(1)
  const name = names?.part(2)?.text().toLowerCase()
  if (kind !== 0 || name === undefined || name === "" || name.length > 255) return bad
  return { tag: "hello", serverName: name }
}
