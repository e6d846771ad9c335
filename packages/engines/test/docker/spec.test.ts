import {
  clickhouse,
  type Engine,
  mariadb,
  mongodb,
  mongodbReplicaSet,
  mysql,
  postgres,
  redis,
  type ServerSpec,
  valkey
} from "@berth/engines"
import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { measured } from "../../src/docker/check.ts"
import { lines } from "../../src/docker/frames.ts"
import { createOptions, filesArchive, filesRevision } from "../../src/docker/serverOptions.ts"
import { freeSubnet } from "../../src/docker/subnet.ts"
import { firstFile, pack } from "../../src/docker/tar.ts"

const admin = { username: "berth_admin", password: Redacted.make("administrators-secret"), database: "admin" }
const app = { username: "app_orders", password: Redacted.make("apps-secret"), database: "orders" }

const made = (engine: Engine.Engine, version = engine.defaultVersion) => {
  const plan = engine.server({ version, admin, app, limits: { memoryBytes: 2 * 1024 ** 3, cpus: 1.5 } })
  const spec: ServerSpec = {
    id: "db1",
    name: "orders",
    network: "env1",
    engine,
    version,
    plan,
    admin,
    limits: { memoryBytes: 2 * 1024 ** 3, cpus: 1.5 },
    labels: { app: "shop" }
  }
  const image = {
    reference: engine.versions[version]?.image ?? "",
    id: "sha256:1",
    digest: "sha256:2",
    entrypoint: ["docker-entrypoint.sh"],
    command: ["server"]
  }
  if (plan.container === undefined) throw new Error("it has no container plan")
  const placing = { instance: "berth1", image, volume: "berth-db1" }
  return { plan: plan.container, spec, placing, options: createOptions(spec, plan.container, placing) }
}

const all = [postgres, mysql, mariadb, redis, valkey, clickhouse, mongodb, mongodbReplicaSet]

describe("a server's container", () => {
  it("shows no password, publishes nothing and gives its processes no powers, for every engine", () => {
    for (const engine of all) {
      const { options } = made(engine)
      const text = JSON.stringify(options)
      assert.notInclude(text, "secret")
      assert.strictEqual(options.HostConfig?.PortBindings, undefined)
      assert.deepStrictEqual(options.HostConfig?.CapDrop, ["ALL"])
      assert.strictEqual(options.HostConfig?.Memory, 2 * 1024 ** 3)
      assert.strictEqual(options.HostConfig?.NanoCpus, 1.5e9)
      assert.deepStrictEqual(options.NetworkingConfig, {
        EndpointsConfig: { "berth-net-env1": { Aliases: ["orders"] } }
      })
    }
  })

  it("keeps the app's password out of its files, for every engine", () => {
    for (const engine of all) {
      const { plan } = made(engine)
      assert.notInclude(filesArchive(plan, { uid: 999, gid: 999 }, 0).toString("latin1"), "apps-secret")
    }
  })

  it("has the same fingerprint with and without a template, and another when something else changes", () => {
    const { spec, plan, placing, options } = made(postgres)
    const filled = createOptions(spec, plan, { ...placing, template: "berth-template" })
    const moved = createOptions({ ...spec, network: "env2" }, plan, placing)
    const fingerprint = "berth.fingerprint"
    assert.strictEqual(filled.Labels?.[fingerprint], options.Labels?.[fingerprint])
    assert.notStrictEqual(moved.Labels?.[fingerprint], options.Labels?.[fingerprint])
  })

  it("of Postgres 18 has its volume at /var/lib/postgresql, and an older one below", () => {
    const target = (version: string) => made(postgres, version).options.HostConfig?.Mounts?.[0]?.Target
    assert.strictEqual(target("18"), "/var/lib/postgresql")
    assert.strictEqual(target("17"), "/var/lib/postgresql/data")
    assert.strictEqual(made(postgres, "18").plan.data, "/var/lib/postgresql/18/docker")
  })

  it("has files whose revision changes only with them", () => {
    for (const engine of all) assert.strictEqual(filesRevision(made(engine).plan), filesRevision(made(engine).plan))
  })
})

describe("a MongoDB server's container", () => {
  it("asks for a password, listens in its network and keeps its data on the volume", () => {
    const { options, plan } = made(mongodb, "8")
    assert.strictEqual(options.Image, "mongo:8")
    assert.strictEqual(options.User, "mongodb")
    assert.deepStrictEqual(options.Cmd, [
      ...["mongod", "--auth", "--bind_ip_all", "--dbpath", "/data/db"],
      ...["--wiredTigerCacheSizeGB", "0.50"]
    ])
    assert.strictEqual(options.HostConfig?.Mounts?.[0]?.Target, "/data/db")
    assert.deepStrictEqual(options.HostConfig?.Tmpfs, { "/data/configdb": "" })
    assert.deepStrictEqual(options.ExposedPorts, { "27017/tcp": {} })
    assert.strictEqual(options.StopSignal, "SIGTERM")
    assert.deepStrictEqual(Object.keys(plan.files), ["/berth/administrator.js"])
  })

  it("of a replica set has a key file, without which members would need no password", () => {
    const { options, plan } = made(mongodbReplicaSet, "8")
    assert.includeMembers(options.Cmd ?? [], ["--auth", "--replSet", "berth", "--keyFile", "/berth/keyfile"])
    const key = plan.files["/berth/keyfile"]
    assert.isTrue(Redacted.isRedacted(key))
    if (Redacted.isRedacted(key)) assert.match(String(Redacted.value(key)), /^[A-Za-z0-9+/=]{6,1024}$/)
  })

  it("is reached by a URL that names where the user lives and does not go on to another name", () => {
    const [endpoint] = mongodb.endpoints
    assert.strictEqual(
      mongodb.url({ ...app, host: "orders", port: 27_017, endpoint }),
      "mongodb://app_orders:apps-secret@orders:27017/orders?authSource=orders&directConnection=true"
    )
  })
})

describe("ClickHouse's files", () => {
  it("remove the default account and have the root element that the version reads", () => {
    const users = (version: string) => {
      const text = made(clickhouse, version).plan.files["/etc/clickhouse-server/users.d/zz-berth.xml"]
      return Redacted.isRedacted(text) ? String(Redacted.value(text)) : ""
    }
    assert.match(users("18.16"), /^<yandex>[\s\S]*<default remove="remove"\/>[\s\S]*<\/yandex>\n$/)
    assert.match(users("25.8"), /^<clickhouse>[\s\S]*<allow_databases><database>orders<\/database>/)
  })
})

describe("a subnet for a network", () => {
  it("is the first that overlaps none that is in use", () => {
    assert.strictEqual(freeSubnet([]), "10.209.0.0/24")
    assert.strictEqual(freeSubnet(["10.209.0.0/24", "10.209.1.128/25", "fd00::/64"]), "10.209.2.0/24")
    assert.strictEqual(freeSubnet(["10.209.0.0/23"]), "10.209.2.0/24")
    assert.strictEqual(freeSubnet(["10.0.0.0/8"]), undefined)
    assert.strictEqual(freeSubnet(["10.209.0.0/25"]), "10.209.1.0/24")
    assert.strictEqual(freeSubnet(["10.208.255.0/24"]), "10.209.0.0/24")
  })
})

describe("the Docker Engine's output", () => {
  const frame = (kind: number, text: string) => {
    const head = Buffer.alloc(8)
    head.writeUInt8(kind, 0)
    head.writeUInt32BE(Buffer.byteLength(text), 4)
    return Buffer.concat([head, Buffer.from(text)])
  }

  it("is read as the same lines wherever it is cut", async () => {
    const whole = Buffer.concat([frame(1, "one\ntwo "), frame(2, "error\n"), frame(1, "halves\nlast")])
    for (let size = 1; size <= whole.length; size++) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
        whole.subarray(at * size, (at + 1) * size)
      )
      const found: Array<string> = []
      for await (const line of lines(
        (async function* () {
          yield* chunks
        })()
      ))
        found.push(line)
      assert.deepStrictEqual(found, ["one", "error", "two halves", "last"])
    }
  })

  it("of an archive gives back the file that was put in", () => {
    const file = { path: "/etc/passwd", text: "postgres:x:999:999::/:/bin/sh\n", mode: 0o400, uid: 1, gid: 2 }
    const folder = { path: "/etc", mode: 0o700, uid: 1, gid: 2 }
    assert.strictEqual(firstFile(pack([folder], [file], 42)), file.text)
    assert.strictEqual(firstFile(pack([folder], [], 42)), undefined)
    assert.strictEqual(pack([folder], [file], 42).length % 512, 0)
  })

  it("of a measurement tells load, memory and disk", () => {
    const text = `0.52 0.58 0.59 1/389 1234
MemTotal:       24689024 kB
MemAvailable:   23068672 kB
Filesystem     1024-blocks     Used Available Capacity Mounted on
overlay          263174212 18874368  77594624      20% /
`
    assert.deepStrictEqual(measured(text), {
      loadAverage: 0.52,
      memoryFree: 23_068_672 * 1024,
      diskTotal: 263_174_212 * 1024,
      diskFree: 77_594_624 * 1024
    })
    assert.deepStrictEqual(measured("").loadAverage, undefined)
  })
})
