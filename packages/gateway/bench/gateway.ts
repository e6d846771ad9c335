/**
 * The gateway next to HAProxy (one thread) and nginx `stream` (one process), where they are installed, and to no proxy at
 * all. Every measurement goes round all of them in turn, several times; medians and their ratios are what counts.
 * `ROUNDS=5 npm run bench -- gateway` takes longer and says more.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import * as Loads from "./support/loads.ts"
import * as Peers from "./support/peers.ts"
import { startPostgres } from "./support/postgres.ts"

const rounds = Number(process.env.ROUNDS ?? 3)
const scale = Number(process.env.SCALE ?? 1)
const servers = { redis: 31_000, bulk: 31_001, postgres: 31_002 }

/** Runs the bulk server, in a process of its own so that it does not share the load's processor time. */
if (process.env.BENCH_BULK_SERVER === "1") {
  await Loads.bulkServer(servers.bulk)
  await new Promise(() => undefined)
}

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const folder = mkdtempSync(join(tmpdir(), "berth-bench-"))
const results = new Map<string, Map<string, Array<number>>>()
const record = (measure: string, peer: string, value: number) => {
  const byPeer = results.get(measure) ?? new Map<string, Array<number>>()
  results.set(measure, byPeer)
  byPeer.set(peer, [...(byPeer.get(peer) ?? []), value])
}

const measure = async (peer: Peers.Peer) => {
  const port = (name: keyof typeof servers) => peer.ports[name] ?? 0
  const count = (requests: number) => String(Math.round(requests * scale))
  const busy = Peers.processorTime(peer.pid)
  const one = Loads.redis(port("redis"), ["-t", "get", "-c", "1", "-n", count(20_000)])[0]
  const many = Loads.redis(port("redis"), ["-t", "get", "-c", "50", "-n", count(60_000)])[0]
  const spent = Peers.processorTime(peer.pid) - busy
  record("GET, 1 client (req/s)", peer.name, one?.perSecond ?? 0)
  record("GET, 50 clients (req/s)", peer.name, many?.perSecond ?? 0)
  record("latency at the median, 1 client (ms)", peer.name, one?.median ?? 0)
  record("latency at 99 %, 50 clients (ms)", peer.name, many?.p99 ?? 0)
  if (peer.pid !== undefined) record("processor time (µs/request)", peer.name, (spent / (80_000 * scale)) * 1e6)
  const [set, get] = Loads.redis(port("redis"), [
    "-t",
    "set,get",
    "-c",
    "20",
    "-P",
    "16",
    "-d",
    "16384",
    "-n",
    count(20_000)
  ])
  record("SET of 16 KB, pipelined (req/s)", peer.name, set?.perSecond ?? 0)
  record("GET of 16 KB, pipelined (req/s)", peer.name, get?.perSecond ?? 0)
  const fresh = Loads.redis(port("redis"), ["-t", "ping_mbulk", "-k", "0", "-c", "20", "-n", count(6_000)])[0]
  record("new connections (1/s)", peer.name, fresh?.perSecond ?? 0)
  record("bulk up (MB/s)", peer.name, await Loads.bulk(port("bulk"), false, 1e9 * scale))
  record("bulk down (MB/s)", peer.name, await Loads.bulk(port("bulk"), true, 1e9 * scale))
  if (postgres !== undefined) record("pgbench -S, 10 clients (tx/s)", peer.name, Loads.pgbench(port("postgres"), 2))
}

const memory = async (peer: Peers.Peer) => {
  const { pid } = peer
  if (pid === undefined) return
  const sessions = 2000
  const before = Peers.privateMemory(pid)
  const after = await Loads.idle(peer.ports.redis ?? 0, sessions, () => Promise.resolve(Peers.privateMemory(pid)))
  record("memory of an idle session (KB)", peer.name, (after - before) / sessions)
}

if (!Peers.installed("redis-server") || !Peers.installed("redis-benchmark")) {
  console.error("This benchmark needs redis-server and redis-benchmark.")
  process.exit(1)
}
Peers.start(
  "redis-server",
  ["--port", String(servers.redis), "--save", "", "--appendonly", "no", "--maxclients", "9000"],
  {
    stdio: "ignore"
  }
)
const bulkServer = spawn(process.execPath, process.argv.slice(1).length > 0 ? [import.meta.filename] : [], {
  stdio: "ignore",
  env: { ...process.env, BENCH_BULK_SERVER: "1" }
})
const postgres = await startPostgres(folder, servers.postgres)
const peers: ReadonlyArray<Peers.Peer> = [
  { name: "direct", ports: servers, pid: undefined },
  Peers.gateway(folder, servers),
  ...(Peers.installed("haproxy") ? [Peers.haproxy(folder, servers)] : []),
  ...(Peers.installed("nginx") ? [Peers.nginx(folder, servers)] : [])
]
try {
  for (const peer of peers) await Peers.answers(peer.ports.redis ?? 0)
  await Peers.answers(servers.bulk)
  // Idle memory first, of processes that have done nothing else; the loads after it, a warm-up round aside.
  for (const peer of peers) await memory(peer)
  for (let round = 0; round <= rounds; round++) {
    for (const peer of peers) await measure(peer)
    if (round === 0) for (const [name, byPeer] of results) if (!name.startsWith("memory")) byPeer.clear()
  }
} finally {
  bulkServer.kill("SIGKILL")
  postgres?.stop()
  Peers.stopAll()
  rmSync(folder, { recursive: true, force: true })
}

console.log(
  `\n${cpus()[0]?.model ?? "?"}, ${cpus().length} processors, Node ${process.versions.node}, medians of ${rounds} rounds\n`
)
const names = peers.map((peer) => peer.name)
console.log(`| | ${names.join(" | ")} | berth ÷ haproxy | berth ÷ direct |`)
console.log(`|---|${names.map(() => "---:|").join("")}---:|---:|`)
for (const [name, byPeer] of results) {
  const value = (peer: string) => {
    const values = byPeer.get(peer)
    return values === undefined || values.length === 0 ? undefined : median(values)
  }
  const shown = (number: number | undefined) =>
    number === undefined ? "" : number >= 100 ? String(Math.round(number)) : number.toFixed(number < 1 ? 3 : 1)
  const ratio = (other: string) => {
    const [own, theirs] = [value("berth"), value(other)]
    return own === undefined || theirs === undefined || theirs === 0 ? "" : (own / theirs).toFixed(2)
  }
  console.log(
    `| ${name} | ${names.map((peer) => shown(value(peer))).join(" | ")} | ${ratio("haproxy")} | ${ratio("direct")} |`
  )
}
process.exit(0)
