/** What a container's inspection says, in the words of a runtime. */
import type { Address, ServerState } from "../Runtime.ts"
import type { ContainerInfo } from "./client.ts"
import { dataGone } from "./firstStart.ts"
import { type Labels, portsOf } from "./labels.ts"

/** Which of the two a container was made for: one that publishes its ports is not reached by its own address. */
const addressesOf = (info: ContainerInfo): Record<string, Address> => {
  const labels: Labels = info.Config.Labels
  const host = Object.values(info.NetworkSettings.Networks)[0]?.IPAddress ?? ""
  const published = Object.keys(info.HostConfig.PortBindings ?? {}).length > 0
  const found = Object.entries(portsOf(labels)).flatMap(([endpoint, port]): ReadonlyArray<[string, Address]> => {
    if (!published) return host === "" ? [] : [[endpoint, { host, port }]]
    const binding = info.NetworkSettings.Ports[`${port}/tcp`]?.[0]
    return binding === undefined ? [] : [[endpoint, { host: binding.HostIp, port: Number(binding.HostPort) }]]
  })
  return Object.fromEntries(found)
}

/** The policy under which Docker itself starts a server again. It is set for as long as Berth wants the server to run. */
export const wanted = "unless-stopped"

const isWanted = (info: ContainerInfo): boolean => info.HostConfig.RestartPolicy?.Name === wanted

const signals: Readonly<Record<number, string>> = { 129: "SIGHUP", 130: "SIGINT", 137: "SIGKILL", 143: "SIGTERM" }

/** A sentence without a full stop. */
export const howItEnded = (info: ContainerInfo, lastLines: ReadonlyArray<string>): string => {
  const { ExitCode: code, OOMKilled: outOfMemory, Error: error } = info.State
  const again = info.RestartCount > 0 ? `, after ${info.RestartCount} restarts` : ""
  if (info.State.Paused) return "it is paused"
  if (lastLines.some((line) => /no space left on device|errno: 28\b/i.test(line))) {
    return `the disk of its data is full${again}`
  }
  if (outOfMemory) return `killed for using more memory than it may${again}`
  if (code === dataGone) return `its data is not on its volume any more${again}`
  if (error !== "") return `${error}${again}`
  const signal = signals[code]
  return `${signal === undefined ? `it ended with ${code}` : `killed by ${signal}`}${again}`
}

export const isRunning = (info: ContainerInfo): boolean =>
  info.State.Running && !info.State.Restarting && !info.State.Paused

/** Whether the state's sentence needs the last lines of the log. */
export const isEnded = (info: ContainerInfo): boolean => {
  if (isRunning(info)) return false
  if (info.State.Status === "created") return info.State.Error !== "" && isWanted(info)
  return info.State.Restarting || info.State.Paused || isWanted(info)
}

/** `created`, or `exited` while no restart is wanted, is a server that Berth has not started or has stopped. */
export const stateOf = (info: ContainerInfo, lastLines: ReadonlyArray<string>): ServerState => {
  if (isRunning(info)) return { _tag: "Running", since: new Date(info.State.StartedAt), addresses: addressesOf(info) }
  if (!isEnded(info)) return { _tag: "Stopped" }
  return { _tag: "Ended", ending: { how: howItEnded(info, lastLines), lastLines } }
}
