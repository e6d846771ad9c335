// Makes a fresh clone ready and then runs the command that its arguments are. It checks the Node that started it and runs
// `npm ci` when what the lock file names is not installed. It runs on any Node that knows ES modules, so it imports
// nothing that is installed. The command is started from here, not by `&&` in a script, because a shell that has found
// the machine's own `node` once does not look for the one that was just installed.
import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const oldest = 20
const root = fileURLToPath(new URL("..", import.meta.url))
const stamp = join(root, "node_modules", ".berth-ready")

const major = Number(process.versions.node.split(".")[0])
if (major < oldest) {
  console.error(`Berth needs Node ${oldest} or newer to install its own; this is Node ${process.versions.node}.`)
  process.exit(1)
}

// The `node` package installs the program for one platform, so a folder copied from another machine is not ready.
const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex")
const wanted = `${lock} ${process.platform}-${process.arch}`

const ready = () => {
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) return false
  try {
    execFileSync(join(root, "node_modules", ".bin", "node"), ["--version"], {
      stdio: "ignore",
      shell: process.platform === "win32"
    })
    return true
  } catch {
    return false
  }
}

if (!ready()) {
  console.error("Installing what package-lock.json names (once, into node_modules) …")
  const npm = process.env.npm_execpath
  const [command, args] = npm === undefined ? ["npm", []] : [process.execPath, [npm]]
  const { status, error } = spawnSync(command, [...args, "ci", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: npm === undefined && process.platform === "win32"
  })
  if (error !== undefined || status !== 0) {
    console.error(`npm ci failed${error === undefined ? "" : `: ${error.message}`}. See what it printed above.`)
    process.exit(status ?? 1)
  }
  writeFileSync(stamp, wanted)
}

const [command, ...args] = process.argv.slice(2)
if (command !== undefined) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32"
  })
  if (error !== undefined) console.error(`${command} could not be run: ${error.message}`)
  process.exit(status ?? 1)
}
