/** What is measured: the server itself, the gateway, and the proxies that are installed. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"

export interface Peer {
  readonly name: string
  /** Public port for each server. */
  readonly ports: Readonly<Record<string, number>>
  /** Process that carries the bytes; none for the direct way. */
  readonly pid: number | undefined
}

const children: Array<ChildProcess> = []

export const stopAll = () => {
  for (const child of children) child.kill("SIGKILL")
}

export const installed = (program: string): boolean => spawnSync("which", [program]).status === 0

export const start = (command: string, args: ReadonlyArray<string>, options: object = {}): ChildProcess => {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"], ...options })
  children.push(child)
  return child
}

/** Waits until somebody answers on a port, at most ten seconds. */
export const answers = async (port: number): Promise<void> => {
  for (let left = 200; left > 0; left--) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resolve(true)
      })
      socket.once("error", () => resolve(false))
    })
    if (up) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nobody answers on port ${port}`)
}

const portsFrom = (base: number, servers: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.keys(servers).map((name, index) => [name, base + index]))

export const gateway = (folder: string, servers: Readonly<Record<string, number>>): Peer => {
  const ports = portsFrom(31_100, servers)
  const file = join(folder, "gateway.json")
  const routes = Object.entries(servers).map(([name, port]) => ({
    id: `bench.${name}`,
    port: ports[name],
    target: `127.0.0.1:${port}`
  }))
  writeFileSync(file, JSON.stringify({ listen: "127.0.0.1", logSessions: false, routes }))
  const main = join(import.meta.dirname, "../../src/bin/main.ts")
  const child = start(process.execPath, ["--conditions=@berth/source", main, "--config", file])
  return { name: "berth", ports, pid: child.pid }
}

export const haproxy = (folder: string, servers: Readonly<Record<string, number>>): Peer => {
  const ports = portsFrom(31_200, servers)
  const file = join(folder, "haproxy.cfg")
  const sections = Object.entries(servers).map(
    ([name, port]) => `listen ${name}\n  bind 127.0.0.1:${ports[name]}\n  server s 127.0.0.1:${port}`
  )
  const head =
    "global\n  nbthread 1\n  maxconn 8000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h"
  writeFileSync(file, `${head}\n${sections.join("\n")}\n`)
  const child = start("haproxy", ["-q", "-db", "-f", file])
  return { name: "haproxy", ports, pid: child.pid }
}

export const nginx = (folder: string, servers: Readonly<Record<string, number>>): Peer => {
  const ports = portsFrom(31_300, servers)
  const file = join(folder, "nginx.conf")
  const sections = Object.entries(servers).map(
    ([name, port]) =>
      `server { listen 127.0.0.1:${ports[name]}; proxy_pass 127.0.0.1:${port}; proxy_timeout 1h; tcp_nodelay on; }`
  )
  const head = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;`
  const modules = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;"
  writeFileSync(
    file,
    `${modules}\n${head}\nevents { worker_connections 16000; }\nstream {\n${sections.join("\n")}\n}\n`
  )
  const child = start("nginx", ["-e", `${folder}/nginx.log`, "-c", file])
  return { name: "nginx", ports, pid: child.pid }
}

/** Seconds of processor time that a process has used. */
export const processorTime = (pid: number | undefined): number => {
  if (pid === undefined) return 0
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Kilobytes of memory that belong to a process alone. */
export const privateMemory = (pid: number): number =>
  Number(/^Pss_Anon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1] ?? 0)

export const run = (command: string, args: ReadonlyArray<string>): string =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 })
