/**
 * Which process a pid means. A pid alone may have been given to somebody else since; together with the moment at which
 * the process was started it names one process for good.
 */
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"

const execute = promisify(execFile)

/**
 * Shell words that print the identity of process `$1`, the same text as `identityOf` gives. Linux counts clock ticks
 * since the machine was started (field 22 of `/proc/<pid>/stat`, see proc(5)), so the machine's own start id is part of
 * it; elsewhere `ps` tells the time.
 */
export const identityScript =
  process.platform === "linux"
    ? 'read -r boot < /proc/sys/kernel/random/boot_id; read -r line < "/proc/$1/stat"; set -- ${line##*) }; printf "%s-%s" "$boot" "${20}"'
    : 'ps -o lstart= -p "$1" | tr -s " " "-"'

let bootId: string | undefined

/** `undefined` when no process has this pid. A zombie counts as none. */
export const identityOf = async (pid: number): Promise<string | undefined> => {
  if (process.platform === "linux") {
    bootId ??= (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim()
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch((cause) =>
      cause.code === "ENOENT" || cause.code === "ESRCH" ? undefined : Promise.reject(cause)
    )
    if (stat === undefined) return undefined
    // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return fields[0] === "Z" ? undefined : `${bootId}-${fields[19]}`
  }
  const env = { PATH: process.env.PATH, LC_ALL: "C" }
  // `ps` ends with 1 when no process has the number.
  const text = await execute("ps", ["-o", "lstart=", "-p", String(pid)], { env }).then(
    ({ stdout }) => stdout,
    (cause) => (cause.code === 1 ? "" : Promise.reject(cause))
  )
  return text.trim() === "" ? undefined : text.replace(/\n$/, "").replaceAll(/ +/g, "-")
}
