import { clickhouse, mariadb, mongodb, mysql, postgres, redis } from "@berth/engines"
import { assert, describe, it } from "@effect/vitest"

describe("connections in a server's log", () => {
  it("of Postgres are told with user, database and address", () => {
    const read = (text: string) => postgres.connection?.(`2026-11-21 02:16:41.445 UTC [29] 172.31.0.1 ${text}`)
    assert.deepStrictEqual(read("LOG:  connection received: host=172.31.0.1 port=5000"), {
      what: "connected",
      from: "172.31.0.1"
    })
    assert.deepStrictEqual(read("LOG:  connection authorized: user=app_orders database=orders application_name=psql"), {
      what: "authenticated",
      username: "app_orders",
      database: "orders",
      from: "172.31.0.1"
    })
    const refused = 'password authentication failed for user "app_orders"'
    assert.deepStrictEqual(read(`FATAL:  ${refused}`), {
      what: "refused",
      username: "app_orders",
      detail: refused,
      from: "172.31.0.1"
    })
    const ended = "disconnection: session time: 0:00:00.016 user=app_orders database=orders host=172.31.0.1 port=5000"
    assert.strictEqual(read(`LOG:  ${ended}`)?.what, "disconnected")
    assert.strictEqual(read("LOG:  checkpoint starting: time"), undefined)
  })

  it("of MySQL and MariaDB are told when they are refused or broken", () => {
    const line =
      "2026-11-21T01:49:11Z 9 [Note] [MY-010926] [Server] Access denied for user 'app'@'10.0.0.9' (using password: YES)"
    assert.deepInclude(mysql.connection?.(line), { what: "refused", username: "app", from: "10.0.0.9" })
    const broken =
      "2026-11-21 1:49:16 8 [Warning] Aborted connection 8 to db: 'orders' user: 'app' host: '10.0.0.9' (Got timeout)"
    assert.deepInclude(mariadb.connection?.(broken), { what: "disconnected", database: "orders", from: "10.0.0.9" })
  })

  it("of Redis are told when they begin and end", () => {
    assert.deepStrictEqual(redis.connection?.("1:M 21 Nov 2026 02:22:33.437 - Accepted 192.168.80.1:48290"), {
      what: "connected",
      from: "192.168.80.1"
    })
    const ended =
      "1:M 21 Nov 2026 02:22:33.467 - Client closed connection id=5 addr=192.168.80.1:48290 laddr=192.168.80.2:6379 user=app_orders resp=3"
    assert.deepStrictEqual(redis.connection?.(ended), {
      what: "disconnected",
      from: "192.168.80.1",
      username: "app_orders"
    })
  })

  it("of MongoDB are told in each of their states", () => {
    const line = (msg: string, attr: object) =>
      mongodb.connection?.(JSON.stringify({ t: {}, s: "I", c: "ACCESS", msg, attr }))
    assert.deepStrictEqual(line("Connection accepted", { remote: "10.0.0.9:4000" }), {
      what: "connected",
      from: "10.0.0.9"
    })
    assert.deepInclude(
      line("Authentication failed", {
        client: "10.0.0.9:4000",
        user: "app",
        db: "orders",
        error: "AuthenticationFailed"
      }),
      {
        what: "refused",
        username: "app"
      }
    )
    assert.strictEqual(mongodb.connection?.("not JSON"), undefined)
  })

  it("of ClickHouse are told when they are refused", () => {
    const line =
      "2026.11.21 02:00:00.000000 [ 7 ] <Error> HTTPHandler: Code: 193, e.displayText() = DB::Exception: Wrong password for user app_orders"
    assert.deepInclude(clickhouse.connection?.(line), { what: "refused", username: "app_orders" })
    assert.strictEqual(clickhouse.connection?.("<Information> Application: Ready for connections."), undefined)
  })
})
