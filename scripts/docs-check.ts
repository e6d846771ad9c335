/**
 * Every TypeScript block of the README and of `docs/` is type-checked, and one that is marked `run` is run, so that what
 * a reader copies works.
 */
import { execFileSync } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const folder = join(root, ".docs-check")
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

interface Block {
  readonly file: string
  readonly from: string
  readonly run: boolean
}

const blocks: ReadonlyArray<Block> = globSync(["README.md", "docs/**/*.md", "packages/*/README.md"], { cwd: root })
  .sort()
  .flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8")
    return Array.from(text.matchAll(/^```ts( run)?\n([\s\S]*?)^```$/gm), ([, run, code = ""], index) => {
      const file = join(folder, `${basename(page, ".md").toLowerCase()}-${index + 1}.ts`)
      // A module of its own, whatever its block imports.
      writeFileSync(file, `${code}\nexport {}\n`)
      return { file, from: `${page}, block ${index + 1}`, run: run !== undefined }
    })
  })

writeFileSync(
  join(folder, "tsconfig.json"),
  JSON.stringify({
    extends: join(root, "tsconfig.test.json"),
    compilerOptions: { noUnusedLocals: false, rootDir: root, incremental: false },
    include: ["*.ts"],
    references: ["engines", "gateway", "sdk", "testing"].map((name) => ({ path: join(root, "packages", name) }))
  })
)
execFileSync("tsc", ["-p", folder], { stdio: "inherit" })
console.log(`${blocks.length} blocks type-checked`)

for (const { file, from } of blocks.filter(({ run }) => run)) {
  const cwd = mkdtempSync(join(tmpdir(), "berth-docs-"))
  try {
    execFileSync(process.execPath, ["--conditions=@berth/source", file], {
      cwd,
      stdio: ["ignore", "ignore", "inherit"],
      timeout: 60_000
    })
    console.log(`ran ${from}`)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}
