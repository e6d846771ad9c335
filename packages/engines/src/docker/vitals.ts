/** What the Docker Engine, and the kernel below it, measure of one server. */
import { Effect } from "effect"
import type { RuntimeError } from "../RuntimeError.ts"
import type { Vitals } from "../Vitals.ts"
import * as Container from "./Container.ts"
import type { ContainerInfo } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { label } from "./labels.ts"
import { isRunning } from "./state.ts"

/** The engine keeps its last few hundred events; each kill for want of memory is one of them. */
const outOfMemoryKills = (host: DockerHost, info: ContainerInfo): Effect.Effect<number, RuntimeError> =>
  host.client
    .call("read the events of a container", async (docker) => {
      const until = Math.floor(Date.now() / 1000)
      const filters = { container: [info.Id], event: ["oom"] }
      const stream = await docker.getEvents({ since: 0, until, filters })
      let text = ""
      for await (const chunk of stream) text += String(chunk)
      return text.split("\n").filter((line) => line !== "").length
    })
    .pipe(Effect.map((events) => Math.max(events, info.State.OOMKilled ? 1 : 0)))

const stats = (host: DockerHost, info: ContainerInfo) =>
  host.client
    .call("measure a container", (docker) => docker.getContainer(info.Id).stats({ stream: false, "one-shot": true }))
    .pipe(
      Effect.map(({ memory_stats: memory, cpu_stats: cpu }) =>
        // The engine answers with nothing for a container that is not running any more.
        memory.usage === undefined
          ? {}
          : {
              // Pages of files that the kernel would give up first are not the server's need. (docker stats subtracts them too.)
              memory: {
                usedBytes: memory.usage - (memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0),
                limitBytes: memory.limit
              },
              cpuSeconds: cpu.cpu_usage.total_usage / 1e9
            }
      )
    )

const kibibyte = 1024

/** The last line of `df -Pk` is the file system: name, size, used, free. */
const disk = (host: DockerHost, info: ContainerInfo) => {
  const volume = info.Mounts.find(({ Name }) => Name === info.Config.Labels[label.volume])?.Destination ?? "/"
  const words = 'du -sk "$1" 2>/dev/null | cut -f1; df -Pk "$1" | tail -n 1'
  return Container.exec(host, info.Id, ["/bin/sh", "-c", words, "berth", volume]).pipe(
    Effect.map(({ output }) => {
      const [used, line] = output.trim().split(/\r?\n/)
      const free = Number(line?.trim().split(/\s+/)[3])
      if (used === undefined || Number.isNaN(Number(used)) || Number.isNaN(free)) return {}
      return { disk: { usedBytes: Number(used) * kibibyte, freeBytes: free * kibibyte } }
    })
  )
}

/** A server that does not run is measured by the engine itself, which looks through all of its volumes for it. */
const restingDisk = (host: DockerHost, info: ContainerInfo) =>
  host.client
    .call("measure the volumes", (docker) => docker.df(), "2 minutes")
    .pipe(
      Effect.map((all: { readonly Volumes?: ReadonlyArray<{ Name: string; UsageData?: { Size: number } }> }) => {
        const found = all.Volumes?.find(({ Name }) => Name === info.Config.Labels[label.volume])?.UsageData?.Size
        return found === undefined || found < 0 ? {} : { disk: { usedBytes: found } }
      })
    )

type Measured = Partial<Pick<Vitals, "memory" | "cpuSeconds" | "disk">>

/** A server may end, or be starting again, between two measurements; what it cannot tell then is left out. */
const ifItCan = (measurement: Effect.Effect<Measured, RuntimeError>): Effect.Effect<Measured, RuntimeError> =>
  measurement.pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "HostFailed",
      () => Effect.succeed({})
    )
  )

export const vitals = Effect.fnUntraced(function* (host: DockerHost, info: ContainerInfo) {
  const counts = { restarts: info.RestartCount, outOfMemoryKills: yield* outOfMemoryKills(host, info) }
  const measured: Vitals = isRunning(info)
    ? { ...counts, ...(yield* ifItCan(stats(host, info))), ...(yield* ifItCan(disk(host, info))) }
    : { ...counts, ...(yield* restingDisk(host, info)) }
  return measured
})
