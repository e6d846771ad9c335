// `npm run bench -- <name>` runs packages/*/bench/<name>.ts; without a name it says which there are.
import { globSync } from "node:fs"
import { basename, resolve } from "node:path"
import { pathToFileURL } from "node:url"

const [name] = process.argv.slice(2)
const found = globSync("packages/*/bench/*.ts").filter((path) => !path.slice(0, -3).includes("."))
const wanted = found.find((path) => basename(path, ".ts") === name)

if (wanted === undefined) {
  console.error(
    `There ${name === undefined ? "are" : `is no ${name}; there are`}: ${found.map((path) => basename(path, ".ts")).join(", ")}.`
  )
  process.exit(1)
}
await import(pathToFileURL(resolve(wanted)).href)
