/** The tests on the oldest Node that the packages support, from the same npm package that brings the newest one. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const oldest = "22.19.0"
const folder = mkdtempSync(join(tmpdir(), "berth-node-"))
try {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, allowScripts: { node: true } }))
  execFileSync("npm", ["install", "--no-fund", "--no-audit", "--loglevel=error", `node@${oldest}`], {
    cwd: folder,
    stdio: "inherit"
  })
  const node = join(folder, "node_modules", "node", "bin", "node")
  console.log(`Node ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`)
  const { status } = spawnSync(node, ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)], {
    stdio: "inherit"
  })
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
