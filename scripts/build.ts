// Builds the package in the current folder: tsup bundles each entry of `exports`, tsc writes the declarations.
// tsup's own declaration step needs the compiler API that TypeScript 7 does not have.
import { spawnSync } from "node:child_process"
import { copyFileSync, globSync, readFileSync, rmSync } from "node:fs"
import { build } from "tsup"

const manifest: { exports: Record<string, { "@berth/source": string }>; bin?: Record<string, string> } = JSON.parse(
  readFileSync("package.json", "utf8")
)

const entry = Object.fromEntries(
  Object.values(manifest.exports).map((target) => {
    const source = target["@berth/source"]
    return [source.replace(/^\.\/src\//, "").replace(/\.ts$/, ""), source]
  })
)

const { status } = spawnSync("tsc", ["-b"], { stdio: "inherit", shell: process.platform === "win32" })
if (status !== 0) process.exit(status ?? 1)

// Chunks of an earlier build bear other names; the declarations beside them are kept, tsc owns those.
for (const old of globSync("dist/**/*.js{,.map}")) rmSync(old)

// npm packs what lies in the package, and the licence lies at the root.
copyFileSync("../../LICENSE", "LICENSE")

await build({
  entry,
  format: "esm",
  platform: "node",
  target: "node22",
  splitting: true,
  sourcemap: true,
  dts: false,
  // `node:sqlite` exists under this name only.
  removeNodeProtocol: false,
  clean: false,
  silent: true
})
