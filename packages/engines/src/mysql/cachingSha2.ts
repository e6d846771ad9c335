/**
 * What MySQL keeps of a password (`caching_sha2_password`), made on this side, so that a password travels to no server
 * and stands in no file. The text is `$A$005$`, a salt of 20 characters and the digest of SHA-256 crypt with 5000
 * rounds. (MySQL, sql/auth/sha2_password.cc; U. Drepper, "Unix crypt using SHA-256 and SHA-512".)
 */
import { createHash, createHmac } from "node:crypto"

const rounds = 5000
const saltLength = 20
const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const sha256 = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** `bytes`, over and over, up to `length`. */
const repeated = (bytes: Buffer, length: number): Buffer =>
  Buffer.concat(Array.from({ length: Math.ceil(length / bytes.length) }, () => bytes)).subarray(0, length)

/** Twenty-four bits at a time, the lowest six first; the order of the bytes is that of the algorithm. */
const encode = (digest: Buffer): string => {
  const groups = Array.from({ length: 10 }, (_, index) => {
    const at = [0, 10, 20].map((start) => (start + index * 21) % 30)
    return { bytes: at.map((position) => digest[position] ?? 0), characters: 4 }
  })
  const last = { bytes: [0, digest[31] ?? 0, digest[30] ?? 0], characters: 3 }
  return [...groups, last]
    .map(({ bytes, characters }) => {
      const word = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
      return Array.from({ length: characters }, (_, index) => alphabet[(word >>> (6 * index)) & 63]).join("")
    })
    .join("")
}

const crypt = (password: Buffer, salt: Buffer): string => {
  const alternate = sha256(password, salt, password)
  const bits: Array<Uint8Array> = []
  for (let count = password.length; count > 0; count >>= 1) bits.push((count & 1) === 1 ? alternate : password)
  let digest = sha256(password, salt, repeated(alternate, password.length), ...bits)
  const p = repeated(sha256(repeated(password, password.length ** 2)), password.length)
  const s = repeated(sha256(repeated(salt, salt.length * (16 + (digest[0] ?? 0)))), salt.length)
  for (let round = 0; round < rounds; round++) {
    const odd = round % 2 === 1
    digest = sha256(
      odd ? p : digest,
      round % 3 === 0 ? Buffer.alloc(0) : s,
      round % 7 === 0 ? Buffer.alloc(0) : p,
      odd ? digest : p
    )
  }
  return encode(digest)
}

/**
 * The same text for the same password every time, so that a file which holds it changes only with the password. The
 * salt tells nothing of a password that was drawn at random.
 */
export const verifier = (password: string): string => {
  const salt = createHmac("sha256", password)
    .update("salt")
    .digest("base64")
    .replaceAll(/[^A-Za-z0-9]/g, "x")
    .slice(0, saltLength)
  return `$A$005$${salt}${crypt(Buffer.from(password, "utf8"), Buffer.from(salt, "latin1"))}`
}
