// Makes `dist/berth-gateway`, one file that runs without Node or anything else beside it. Needs Node 26 (`--build-sea`).
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { build } from "tsup"

const output = process.argv[2] ?? `dist/berth-gateway${process.platform === "win32" ? ".exe" : ""}`

await build({
  entry: { "berth-gateway": "src/bin/main.ts" },
  outDir: "dist/binary",
  format: "cjs",
  platform: "node",
  target: "node26",
  noExternal: [/.*/],
  // `ws` uses them when they are there; they are not, and it is as fast without.
  external: ["bufferutil", "utf-8-validate"],
  // In a single file there is no module beside this one; what asks for it is not reached there.
  define: { "import.meta.url": '"file:///berth-gateway"', "import.meta.resolve": "String" },
  minify: true,
  sourcemap: false,
  splitting: false,
  dts: false,
  config: false,
  silent: true,
  removeNodeProtocol: false
})

mkdirSync("dist/binary", { recursive: true })
writeFileSync(
  "dist/binary/sea.json",
  JSON.stringify({
    main: "dist/binary/berth-gateway.cjs",
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgvExtension: "none"
  })
)

const { status } = spawnSync(process.execPath, ["--build-sea", "dist/binary/sea.json"], { stdio: "inherit" })
if (status !== 0) process.exit(status ?? 1)
console.log(`${output} is made`)
