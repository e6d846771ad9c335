/** The few bytes of the Postgres protocol that come before TLS. */

export const questionLength = 8
const cancelLength = 16

const sslRequestCode = 80_877_103
const gssRequestCode = 80_877_104
const cancelRequestCode = 80_877_102

/** Asks a server for TLS. */
export const sslRequest: Uint8Array = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

export const yes: Uint8Array = Buffer.from("S", "latin1")
export const no: Uint8Array = Buffer.from("N", "latin1")

/** The protocol's name in TLS, which a client that begins with TLS directly must offer. */
export const alpn = "postgresql"

const errorResponse = (code: string, message: string): Uint8Array => {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`, "utf8")
  const head = Buffer.alloc(5)
  head.write("E", "latin1")
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** What a client reads that begins without TLS where it is required. */
export const tlsRequired = errorResponse("28000", "this port requires TLS; connect with sslmode=require or stricter")

/**
 * What a Postgres client asks with its first bytes: TLS, GSS encryption, the cancelling of a query, or (without asking
 * for anything) a session. `other` is something that is not the start of the Postgres protocol, such as TLS itself.
 */
export const parseQuestion = (bytes: Uint8Array): "more" | "tls" | "gss" | "cancel" | "startup" | "other" => {
  if (bytes.length === 0) return "more"
  // A packet of the start is shorter than 64 KB, so its length begins with two zeros; TLS begins with 22.
  if (bytes[0] !== 0) return "other"
  if (bytes.length < questionLength) return "more"
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.readUInt32BE(0)
  const code = view.readUInt32BE(4)
  if (length === questionLength && code === sslRequestCode) return "tls"
  if (length === questionLength && code === gssRequestCode) return "gss"
  if (code === cancelRequestCode)
    return length === cancelLength ? (bytes.length < cancelLength ? "more" : "cancel") : "other"
  return "startup"
}
