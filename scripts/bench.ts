/** `npm run bench -- <name> [arguments]` runs `bench/<name>.ts` of the package that has one. */
import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"
import { basename } from "node:path"

const [name, ...args] = process.argv.slice(2)
const all = globSync("packages/*/bench/*.ts")
const found = all.find((file) => basename(file, ".ts") === name)
if (found === undefined) {
  const names = all.map((file) => basename(file, ".ts")).sort()
  console.error(`Which benchmark? There are: ${names.join(", ")}.`)
  process.exit(1)
}
const { status } = spawnSync(process.execPath, ["--conditions=@berth/source", "--expose-gc", found, ...args], {
  stdio: "inherit"
})
process.exit(status ?? 1)
