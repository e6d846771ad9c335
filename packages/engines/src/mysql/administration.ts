/** Administration of a MySQL server. */
import { Redacted } from "effect"
import { verifier } from "./cachingSha2.ts"
import { literal } from "./sql.ts"
import * as Statements from "./statements.ts"

export const administration = Statements.administration(
  ({ password }) => `IDENTIFIED WITH caching_sha2_password AS ${literal(verifier(Redacted.value(password)))}`
)
