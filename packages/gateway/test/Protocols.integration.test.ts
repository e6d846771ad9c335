import { execFile, spawn, spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makePlane } from "./support/carriage.ts"
import { folder, makePair } from "./support/certificates.ts"
import { dial, eventually, freePort, readSome } from "./support/net.ts"
import * as Programs from "./support/programs.ts"

// Both are CommonJS. Loaded by their own path: the runner's conditions would give `pg` an ES module where it requires.
const load = createRequire(import.meta.url)
const mysql: typeof import("mysql2/promise") = load("mysql2/promise")
const Client: typeof import("pg").Client = load("pg/lib/client")

/** A route to a target, on a port of its own. */
const through = (target: number, more: object = {}) =>
  Effect.gen(function* () {
    const plane = yield* makePlane()
    const port = yield* freePort
    yield* plane.apply({ id: "orders.main", port, target: `127.0.0.1:${target}`, ...more })
    return { plane, port }
  })

const hasRedis = Programs.isInstalled("redis-server")
describe.skipIf(!Programs.runs("redis", hasRedis))(Programs.named("Redis", "redis", hasRedis), () => {
  it.live("publishes to a subscriber and wakes a blocked reader", () =>
    Effect.gen(function* () {
      const { port } = yield* through(yield* Programs.redis)
      const [subscriber, reader, writer] = [yield* dial(port), yield* dial(port), yield* dial(port)]
      subscriber.write("SUBSCRIBE news\r\n")
      yield* Effect.promise(() => readSome(subscriber, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n".length))
      reader.write("BLPOP queue 0\r\n")
      const message = readSome(subscriber, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n".length)
      const popped = readSome(reader, "*2\r\n$5\r\nqueue\r\n$3\r\njob\r\n".length)
      yield* Effect.sleep("300 millis")
      writer.write("PUBLISH news hello\r\nRPUSH queue job\r\n")
      assert.include(String(yield* Effect.promise(() => message)), "hello")
      assert.include(String(yield* Effect.promise(() => popped)), "job")
    })
  )
})

describe.skipIf(!Programs.runs("postgres", Programs.hasPostgres))(
  Programs.named("Postgres", "postgres", Programs.hasPostgres),
  () => {
    it.live("answers queries, notifies a listener and copies a big result", () =>
      Effect.gen(function* () {
        const { port } = yield* through(yield* Programs.postgres)
        yield* Effect.promise(async () => {
          const options = { host: "127.0.0.1", port, user: "postgres", database: "postgres" }
          const [listener, client] = [new Client(options), new Client(options)]
          await Promise.all([listener.connect(), client.connect()])
          const heard = new Promise((resolve) => listener.once("notification", (note) => resolve(note.payload)))
          await listener.query("LISTEN orders")
          await client.query("SELECT pg_notify('orders', 'paid')")
          assert.strictEqual(await heard, "paid")
          const { rows } = await client.query("SELECT repeat('x', 5000000) AS big")
          assert.strictEqual(rows[0]?.big.length, 5_000_000)
          await Promise.all([listener.end(), client.end()])
        })
      })
    )

    it.live.each([false, true])("lets psql cancel a query over a second connection (TLS at the gateway: %s)", (tls) =>
      Effect.gen(function* () {
        const path = yield* folder
        const pair = makePair(path, "localhost")
        const offer = tls ? { tls: { mode: "terminate", start: "postgres", ...pair } } : {}
        const { plane, port } = yield* through(yield* Programs.postgres, offer)
        const url = `host=localhost hostaddr=127.0.0.1 port=${port} user=postgres sslmode=${tls ? "verify-full" : "disable"} sslrootcert=${pair.certificate}`
        const psql = spawn("psql", [url, "-X", "-c", "SELECT pg_sleep(60)"], { stdio: ["ignore", "ignore", "pipe"] })
        let output = ""
        psql.stderr.on("data", (bytes: Buffer) => {
          output += bytes
        })
        const ended = new Promise((resolve) => psql.once("exit", resolve))
        yield* eventually(() => (plane.carriage.connections()[0]?.bytesDown ?? 0) > 200)
        yield* Effect.sleep("300 millis")
        psql.kill("SIGINT")
        yield* Effect.promise(() => ended)
        assert.include(output, "canceling statement due to user request")
      })
    )
  }
)

const hasMysql = Programs.hasImage("mysql:9")
describe.skipIf(!Programs.runs("mysql", hasMysql))(Programs.named("MySQL", "mysql", hasMysql), () => {
  it.live(
    "logs in and answers queries, although the server speaks first",
    () =>
      Effect.gen(function* () {
        const server = yield* freePort
        const options = ["mysqld", `--port=${server}`, "--mysqlx=OFF", "--bind-address=127.0.0.1"]
        yield* Programs.container("mysql:9", options, ["MYSQL_ROOT_PASSWORD=sesame-sesame"])
        const { port } = yield* through(server)
        yield* Effect.promise(async () => {
          const options = { host: "127.0.0.1", port, user: "root", password: "sesame-sesame" }
          for (let left = 100; left > 0; left--) {
            try {
              const connection = await mysql.createConnection({ ...options, ssl: { rejectUnauthorized: false } })
              const [rows] = await connection.query("SELECT REPEAT('x', 3000000) AS big")
              assert.include(JSON.stringify(rows).slice(0, 20), "big")
              await connection.end()
              return
            } catch (error) {
              if (left === 1) throw error
              await new Promise((resolve) => setTimeout(resolve, 500))
            }
          }
        })
      }),
    90_000
  )
})

const clickhouse = "clickhouse/clickhouse-server:latest"
const hasClickhouse = Programs.hasImage(clickhouse)
describe.skipIf(!Programs.runs("clickhouse", hasClickhouse))(
  Programs.named("ClickHouse", "clickhouse", hasClickhouse),
  () => {
    it.live(
      "answers over HTTP and over its native protocol",
      () =>
        Effect.gen(function* () {
          const [web, tcp, inter] = [yield* freePort, yield* freePort, yield* freePort]
          const options = [`--http_port=${web}`, `--tcp_port=${tcp}`, `--interserver_http_port=${inter}`]
          const id = yield* Programs.container(clickhouse, [
            "clickhouse-server",
            "--config-file=/etc/clickhouse-server/config.xml",
            "--",
            ...options
          ])
          const http = yield* through(web)
          const native = yield* through(tcp)
          yield* eventually(async () => {
            try {
              return (await fetch(`http://127.0.0.1:${http.port}/ping`, { signal: AbortSignal.timeout(1000) })).ok
            } catch {
              return false
            }
          })
          const query = "SELECT sum(number) FROM (SELECT number FROM system.numbers LIMIT 1000)"
          const answer = yield* Effect.promise(() =>
            fetch(`http://127.0.0.1:${http.port}/`, { method: "POST", body: query }).then((each) => each.text())
          )
          assert.strictEqual(answer.trim(), "499500")
          const args = ["run", "--rm", "--network", "host", "--entrypoint", "clickhouse-client", clickhouse]
          const over = yield* Effect.promise(
            () =>
              new Promise<string>((resolve) => {
                execFile(
                  "docker",
                  [...args, "--host", "127.0.0.1", "--port", String(native.port), "--query", query],
                  (_, stdout, stderr) => resolve(stdout + stderr)
                )
              })
          )
          assert.strictEqual(over.trim(), "499500", spawnSync("docker", ["logs", "--tail", "5", id]).stdout.toString())
        }),
      60_000
    )
  }
)
