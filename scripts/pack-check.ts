/**
 * Tries what would be published: every package is packed and installed in an empty folder, and from there it is
 * imported, type-checked by a program of an embedder, and used. Nothing of the workspace is in reach.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const packages = ["engines", "gateway", "sdk", "testing"]
const folder = mkdtempSync(join(tmpdir(), "berth-pack-"))
const run = (command: string, args: ReadonlyArray<string>, cwd = folder) =>
  execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" })

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, { readonly default: string }>>
  /** Programs: they are run, because to import one is to start it. */
  readonly bin?: Readonly<Record<string, string>>
}

const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"))

const program = `
import { Engine, postgres } from "@berth/engines"
import { Berth, Databases, type Overview } from "@berth/sdk"
import { faults, memory, slow } from "@berth/testing"
import { Effect } from "effect"

const status = (overview: Overview): string => overview.status
export const inEffect = Databases.use((databases) => Effect.map(databases.overview("db_x"), status))
export const engine = Engine.define(postgres)

const berth = await Berth.open({ dataDir: process.argv[2] ?? "data", host: memory(), faults: faults(slow("start", 5)) })
await berth.apps.create({ name: "shop" })
await berth.environments.create({ app: "shop", name: "production" })
const { id } = await berth.databases.create({ app: "shop", environment: "production", name: "orders", engine: "postgres" })
const deployment = await berth.databases.deploy(id)
const { internal } = await berth.credentials.get(id)
const port: number = internal.port
console.log(deployment.status, port)
await berth.close()
`

const tsconfig = {
  compilerOptions: {
    target: "es2024",
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    // The declarations themselves are checked, not only their use.
    skipLibCheck: false,
    types: ["node"],
    outDir: "out"
  },
  files: ["program.ts"]
}

try {
  const versions: { devDependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8")
  )
  const tarballs = packages.map((name) => {
    const [packed] = JSON.parse(
      run("npm", ["pack", "--json", "--pack-destination", folder], join(root, "packages", name))
    )
    return join(folder, packed.filename)
  })
  const wanted = ["effect", "typescript", "@types/node"].map((name) => `${name}@${versions.devDependencies[name]}`)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "embedder", private: true, type: "module" }))
  run("npm", ["install", "--no-fund", "--no-audit", "--loglevel=error", ...tarballs, ...wanted])
  const copies = run("find", ["node_modules", "-path", "*/effect/package.json", "-not", "-path", "*/dist/*"])
    .trim()
    .split("\n")
  if (copies.length !== 1) throw new Error(`an embedder has one Effect, not ${copies.length}: ${copies.join(", ")}`)
  for (const name of packages) {
    const manifest = manifestOf(name)
    const programs = Object.values(manifest.bin ?? {})
    for (const bin of Object.keys(manifest.bin ?? {})) {
      console.log(`ran ${bin}: ${run(join(folder, "node_modules", ".bin", bin), ["--version"]).trim()}`)
    }
    for (const [entry, target] of Object.entries(manifest.exports)) {
      if (programs.includes(target.default)) continue
      const specifier = join(manifest.name, entry)
      run(process.execPath, ["--input-type=module", "--eval", `await import(${JSON.stringify(specifier)})`])
      console.log(`imported ${specifier}`)
    }
  }
  writeFileSync(join(folder, "program.ts"), program)
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig))
  run(process.execPath, [join(folder, "node_modules", "typescript", "bin", "tsc")])
  console.log("type-checked a program that embeds Berth")
  mkdirSync(join(folder, "data"))
  console.log(`ran it: ${run(process.execPath, [join("out", "program.js"), join(folder, "data")]).trim()}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
