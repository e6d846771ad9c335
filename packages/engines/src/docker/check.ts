/** Whether an engine's machine has room for one more server. */
import { readFile, statfs } from "node:fs/promises"
import { Effect } from "effect"
import { type HostCheck, judge, type Need } from "../HostCheck.ts"
import type { RuntimeError } from "../RuntimeError.ts"
import type { DockerHost } from "./DockerHost.ts"
import { label } from "./labels.ts"

export interface Measured {
  readonly loadAverage: number | undefined
  readonly memoryFree: number | undefined
  readonly diskFree: number | undefined
  readonly diskTotal: number | undefined
}

const kibibyte = 1024

const numberIn = (text: string, pattern: RegExp, unit: number): number | undefined => {
  const found = pattern.exec(text)?.[1]
  return found === undefined ? undefined : Number(found) * unit
}

/** Reads the output of `cat /proc/loadavg /proc/meminfo; df -Pk /`. */
export const measured = (text: string): Measured => ({
  loadAverage: numberIn(text, /^(\d+\.\d+) \d+\.\d+ \d+\.\d+ /m, 1),
  memoryFree: numberIn(text, /^MemAvailable:\s+(\d+) kB/m, kibibyte),
  diskTotal: numberIn(text, /^\S+\s+(\d+)\s+\d+\s+\d+\s+\d+%\s+\/\s*$/m, kibibyte),
  diskFree: numberIn(text, /^\S+\s+\d+\s+\d+\s+(\d+)\s+\d+%\s+\/\s*$/m, kibibyte)
})

/** From inside a container of an image that is there anyway: it sees the engine's machine, wherever that is. */
const throughContainer = (host: DockerHost): Effect.Effect<string | undefined, RuntimeError> =>
  host.client.call("measure the host", async (docker) => {
    const ours = await docker.listContainers({ all: true, filters: { label: [label.reference] } })
    const image = ours[0]?.Labels[label.reference]
    if (image === undefined) return undefined
    const container = await docker.createContainer({
      Image: image,
      Entrypoint: ["/bin/sh", "-c", "cat /proc/loadavg /proc/meminfo; df -Pk /"],
      Labels: { [label.instance]: host.instance },
      Healthcheck: { Test: ["NONE"] },
      HostConfig: { NetworkMode: "none" },
      Tty: true
    })
    try {
      await container.start()
      await container.wait()
      return (await container.logs({ stdout: true, stderr: false })).toString("utf8").replaceAll("\r", "")
    } finally {
      await container.remove({ force: true, v: true })
    }
  })

/** Before there is any image: from here, which says something only when the engine runs on this machine. */
const fromHere = (rootFolder: string) =>
  Effect.tryPromise(async () => {
    const [load, memory, disk] = await Promise.all([
      readFile("/proc/loadavg", "utf8"),
      readFile("/proc/meminfo", "utf8"),
      statfs(rootFolder)
    ])
    const blocks = [disk.blocks, disk.blocks - disk.bfree, disk.bavail].map((count) => (count * disk.bsize) / kibibyte)
    return `${load}${memory}disk ${blocks.join(" ")} 0% /\n`
  }).pipe(Effect.orElseSucceed(() => ""))

export const check = Effect.fnUntraced(function* (host: DockerHost, need: Need) {
  const info: {
    readonly NCPU: number
    readonly MemTotal: number
    readonly DockerRootDir: string
    readonly Name: string
  } = yield* host.client.call("describe itself", (docker) => docker.info())
  const text = (yield* throughContainer(host)) ?? (host.isLocalSocket ? yield* fromHere(info.DockerRootDir) : "")
  const found = measured(text)
  const idle = found.loadAverage === undefined ? undefined : Math.max(0, info.NCPU - found.loadAverage)
  const resources = [
    idle === undefined ? [] : judge("cpu", info.NCPU, idle, need.cpus),
    found.memoryFree === undefined ? [] : judge("memory", info.MemTotal, found.memoryFree, need.memoryBytes),
    found.diskFree === undefined || found.diskTotal === undefined
      ? []
      : judge("disk", found.diskTotal, found.diskFree, need.diskBytes)
  ].flat()
  const names = { cpu: "Processor load", memory: "Free memory", disk: "Free disk space" } as const
  const unknown = (["cpu", "memory", "disk"] as const)
    .filter((what) => !resources.some((resource) => resource.what === what))
    .map((what) => `${names[what]} of ${info.Name} could not be measured: no image is there yet to measure it from.`)
  const result: HostCheck = { enough: resources.every(({ enough }) => enough), resources, unknown }
  return result
})
