/** What MariaDB keeps of a password (`mysql_native_password`), made on this side, so that a password travels to no server. */
import { createHash } from "node:crypto"

const sha1 = (data: string | Buffer): Buffer => createHash("sha1").update(data).digest()

/** `*` and SHA-1 of SHA-1 in capital hexadecimal. */
export const verifier = (password: string): string => `*${sha1(sha1(password)).toString("hex").toUpperCase()}`
