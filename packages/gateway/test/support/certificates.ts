/** Certificates for tests, made with `openssl`, gone with the scope. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

export interface Pair {
  readonly certificate: string
  readonly key: string
}

export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "berth-gateway-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A self-signed certificate for one name, which is its own authority. */
export const makePair = (path: string, name: string, file = name): Pair => {
  const certificate = join(path, `${file}.pem`)
  const key = join(path, `${file}.key`)
  execFileSync(
    "openssl",
    // biome-ignore format: one option and its value a line would be thirty lines
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-keyout", key, "-out", certificate],
    { stdio: "ignore" }
  )
  return { certificate, key }
}
