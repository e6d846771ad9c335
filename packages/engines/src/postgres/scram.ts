/**
 * SCRAM-SHA-256 verifiers made on this side, so that a password never travels to a server nor into its log.
 * The text form is that of PostgreSQL (src/common/scram-common.c), the algorithm RFC 5802 with RFC 7677.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"

/** PostgreSQL's default of `scram_iterations`. */
const iterations = 4096

/** `password` must be ASCII, which needs no SASLprep; ours are. */
export const verifier = (password: string, salt: Buffer = randomBytes(16)): string => {
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256")
  const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest()
  const storedKey = createHash("sha256").update(hmac(salted, "Client Key")).digest("base64")
  const serverKey = hmac(salted, "Server Key").toString("base64")
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`
}

/**
 * The same verifier for the same password every time, so that a file which holds it changes only with the password. The
 * salt tells nothing of a password that was drawn at random.
 */
export const lastingVerifier = (password: string): string =>
  verifier(password, createHmac("sha256", password).update("salt").digest().subarray(0, 16))
