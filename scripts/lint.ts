// Style and likely mistakes (biome), then effects that are built but never run and failures that do not `return`.
// `@effect/tsgo` is run by name and
// exact version instead of being a dependency: its package for each platform is not always published with it, and a
// lock file made then could not be installed anywhere else.
import { spawnSync } from "node:child_process"

const biome = spawnSync("biome", ["check", "--error-on-warnings", "."], {
  stdio: "inherit",
  shell: process.platform === "win32"
})
if (biome.status !== 0) process.exit(biome.status ?? 1)

const projects = ["packages/engines", "packages/gateway", "packages/sdk", "packages/testing"]

const failed = [...projects.map((project) => `${project}/tsconfig.json`), "tsconfig.test.json"].filter((project) => {
  const { status } = spawnSync(
    "npm",
    ["exec", "--yes", "--package=@effect/tsgo@0.45.0", "--", "effect-tsgo", "diagnostics", "--project", project],
    { stdio: "inherit", shell: process.platform === "win32" }
  )
  return status !== 0
})
process.exit(failed.length === 0 ? 0 : 1)
