// `npm test`: every test on the Node of the project, ended by one line with the counts. Arguments go to vitest.
import { spawnSync } from "node:child_process"

const { status } = spawnSync("vitest", ["run", ...process.argv.slice(2)], {
  stdio: "inherit",
  shell: process.platform === "win32"
})
process.exit(status ?? 1)
