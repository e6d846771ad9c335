/** Administration of a MariaDB server, through the driver that MySQL has too. */
import { Redacted } from "effect"
import { literal } from "../mysql/sql.ts"
import * as Statements from "../mysql/statements.ts"
import { verifier } from "./nativePassword.ts"

export const administration = Statements.administration(
  ({ password }) => `IDENTIFIED VIA mysql_native_password USING ${literal(verifier(Redacted.value(password)))}`
)
