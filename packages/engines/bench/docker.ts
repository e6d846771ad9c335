// Deploys on Docker against the same image by hand, in one run: `node --conditions=@berth/source packages/engines/bench/docker.ts`.
// By hand is a container with the image's official variables and the same client in a tight loop until it gets in.
// `RUNS` (default 3) measurements of each, taken in turns; the medians are compared.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  clickhouse,
  Engine,
  type Login,
  mariadb,
  mysql,
  postgres,
  type Runtime,
  redis,
  type ServerSpec,
  valkey
} from "@berth/engines"
import { docker } from "@berth/engines/docker"
import Dockerode from "dockerode"
import { Duration, Effect, Redacted, Schedule } from "effect"

const runs = Number(process.env.RUNS ?? 3)
const api = new Dockerode()
const instance = `bench-${Math.random().toString(36).slice(2, 10)}`

const random = (length: number) =>
  Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => (byte % 36).toString(36)).join("")
const median = (values: ReadonlyArray<number>): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

interface Subject {
  readonly engine: Engine.Engine
  readonly version: string
  /** What the image is given by hand; the login is then made by it. */
  readonly byHand: (login: Login) => { readonly env: ReadonlyArray<string>; readonly command?: ReadonlyArray<string> }
  /** Later deploys against by hand, at most. */
  readonly target: number
}

const word = ({ password }: Login) => Redacted.value(password)

const subjects: ReadonlyArray<Subject> = [
  {
    engine: postgres,
    version: "17",
    target: 0.5,
    byHand: (login) => ({
      env: [`POSTGRES_USER=${login.username}`, `POSTGRES_PASSWORD=${word(login)}`, `POSTGRES_DB=${login.database}`]
    })
  },
  ...[
    { engine: mysql, version: "9", prefix: "MYSQL" },
    { engine: mariadb, version: "11", prefix: "MARIADB" }
  ].map(({ engine, version, prefix }) => ({
    engine,
    version,
    target: 0.5,
    byHand: (login: Login) => ({
      env: [
        `${prefix}_RANDOM_ROOT_PASSWORD=yes`,
        `${prefix}_USER=${login.username}`,
        `${prefix}_PASSWORD=${word(login)}`,
        `${prefix}_DATABASE=${login.database}`
      ]
    })
  })),
  ...[
    { engine: redis, version: "8", program: "redis-server" },
    { engine: valkey, version: "9", program: "valkey-server" }
  ].map(({ engine, version, program }) => ({
    engine,
    version,
    target: 1.15,
    byHand: (login: Login) => ({
      env: [],
      command: [program, "--appendonly", "yes", "--requirepass", word(login)]
    })
  })),
  {
    engine: clickhouse,
    version: "18.16",
    target: 1.15,
    byHand: (login) => ({
      env: [
        `CLICKHOUSE_USER=${login.username}`,
        `CLICKHOUSE_PASSWORD=${word(login)}`,
        `CLICKHOUSE_DB=${login.database}`
      ]
    })
  }
]

const loginOf = (engine: Engine.Engine): Login => ({ ...engine.naming("orders"), password: Redacted.make(random(32)) })

const spec = (engine: Engine.Engine, version: string, network = `b${random(12)}`) => {
  const admin = { ...engine.administrator, password: Redacted.make(random(32)) }
  const app = loginOf(engine)
  const found: ServerSpec = {
    id: `b${random(12)}`,
    name: `orders-${random(4)}`,
    network,
    engine,
    version,
    plan: engine.server({ version, admin, app }),
    admin,
    labels: {}
  }
  return { spec: found, admin, app }
}
type Made = ReturnType<typeof spec>

const quiet = () => Effect.void

const addressOf = (runtime: Runtime, { spec }: Made) =>
  runtime.inspect(spec.id).pipe(
    Effect.flatMap((found) => {
      const at =
        found?.state._tag === "Running" ? found.state.addresses[Engine.primaryEndpoint(spec.engine).name] : undefined
      return at === undefined ? Effect.die(new Error(JSON.stringify(found?.state))) : Effect.succeed(at)
    })
  )

const untilIn = (engine: Engine.Engine, at: { readonly host: string; readonly port: number }, login: Login) =>
  engine.administration
    .ping({ ...at, ...login })
    .pipe(Effect.retry({ schedule: Schedule.spaced("2 millis") }), Effect.timeout("3 minutes"))

/** From nothing to the first query of the app. */
const deploy = Effect.fnUntraced(function* (runtime: Runtime, made: Made) {
  const { engine } = made.spec
  yield* runtime.prepare(made.spec, quiet)
  yield* runtime.create(made.spec, quiet)
  yield* runtime.start(made.spec)
  const at = yield* addressOf(runtime, made)
  yield* untilIn(engine, at, made.admin)
  yield* engine.administration.createApp({ ...at, ...made.admin }, made.app)
  yield* untilIn(engine, at, made.app)
})

const byHand = Effect.fnUntraced(function* ({ engine, version, byHand }: Subject) {
  const login = loginOf(engine)
  const { env, command } = byHand(login)
  const isRedis = command !== undefined
  const container = yield* Effect.promise(async () => {
    const made = await api.createContainer({
      Image: engine.versions[version]?.image ?? "",
      Env: [...env],
      Labels: { "berth.instance": instance },
      ...(command === undefined ? {} : { Cmd: [...command] })
    })
    await made.start()
    return made
  })
  const { NetworkSettings } = yield* Effect.promise(() => container.inspect())
  const at = { host: NetworkSettings.Networks.bridge?.IPAddress ?? "", port: Engine.primaryEndpoint(engine).port }
  yield* untilIn(engine, at, isRedis ? { ...login, username: "default" } : login)
  return container
})

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.timed(effect), ([duration, value]) => ({ millis: Duration.toMillis(duration), value }))

const say = (line: string) => Effect.sync(() => console.log(line))

const compare = Effect.fnUntraced(function* (runtime: Runtime, subject: Subject) {
  const [hand, first, later]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
  for (let run = 0; run < runs; run++) {
    // An id of its own has templates of its own, so its first deploy is the first of its version.
    const fresh = { ...subject.engine, id: `bench${random(8)}` }
    const a = yield* timed(byHand(subject))
    yield* Effect.promise(() => a.value.remove({ force: true, v: true }))
    // The first brings its environment with it, the later one comes into the same.
    const one = spec(fresh, subject.version)
    first.push((yield* timed(deploy(runtime, one))).millis)
    const other = spec(fresh, subject.version, one.spec.network)
    later.push((yield* timed(deploy(runtime, other))).millis)
    for (const made of [one, other]) yield* runtime.remove(made.spec.id)
    hand.push(a.millis)
  }
  const [h, f, l] = [median(hand), median(first), median(later)]
  yield* say(
    `| ${subject.engine.label} ${subject.version} | ${h.toFixed(0)} | ${f.toFixed(0)} | ${(f / h).toFixed(2)} (1.15) | ${l.toFixed(0)} | ${(l / h).toFixed(2)} (${subject.target}) |`
  )
})

const ten = Effect.fnUntraced(function* (runtime: Runtime) {
  const all = (count: number) => Array.from({ length: count }, () => spec(postgres, "17"))
  yield* Effect.forEach(all(1), (made) => deploy(runtime, made).pipe(Effect.andThen(runtime.remove(made.spec.id))))
  const measure = (concurrency: number | "unbounded") => {
    const list = all(10)
    return timed(Effect.forEach(list, (made) => deploy(runtime, made), { concurrency })).pipe(
      Effect.tap(() => Effect.forEach(list, ({ spec }) => runtime.remove(spec.id))),
      Effect.map(({ millis }) => millis)
    )
  }
  const [row, once]: [Array<number>, Array<number>] = [[], []]
  for (let run = 0; run < runs; run++) {
    row.push(yield* measure(1))
    once.push(yield* measure("unbounded"))
  }
  const [r, o] = [median(row), median(once)]
  yield* say(
    `\nTen Postgres, one after the other ${r.toFixed(0)} ms, at once ${o.toFixed(0)} ms: ${(r / o).toFixed(2)} times faster (1.5)`
  )
})

/** Every ten seconds. */
const probesAnHour = 360
const sample = 200

const idle = Effect.fnUntraced(function* (runtime: Runtime, { engine, version }: Subject) {
  const made = spec(engine, version)
  yield* deploy(runtime, made)
  const at = yield* addressOf(runtime, made)
  const ping = engine.administration.ping({ ...at, ...made.app })
  const serverSeconds = (runtime.vitals?.(made.spec.id) ?? Effect.die("no vitals")).pipe(
    Effect.map(({ cpuSeconds = 0 }) => cpuSeconds)
  )
  yield* Effect.repeat(ping, { times: 20 })
  const serverBefore = yield* serverSeconds
  const before = process.cpuUsage()
  yield* Effect.repeat(ping, { times: sample - 1 })
  const { user, system } = process.cpuUsage(before)
  const server = (yield* serverSeconds) - serverBefore
  const hourly = (seconds: number) => ((seconds / sample) * probesAnHour * 100).toFixed(0)
  yield* say(`| ${engine.label} ${version} | ${hourly((user + system) / 1e6)} | ${hourly(server)} |`)
  yield* runtime.remove(made.spec.id)
})

const cleanUp = async () => {
  const filters = { label: [`berth.instance=${instance}`] }
  for (const { Id } of await api.listContainers({ all: true, filters }))
    await api.getContainer(Id).remove({ force: true, v: true })
  for (const { Name } of (await api.listVolumes({ filters })).Volumes ?? []) await api.getVolume(Name).remove()
  for (const { Id } of await api.listNetworks({ filters })) await api.getNetwork(Id).remove()
}

const there = await Promise.all(
  subjects.map(async (subject) => {
    const image = subject.engine.versions[subject.version]?.image ?? ""
    return api
      .getImage(image)
      .inspect()
      .then(
        () => [subject],
        () => {
          console.log(`${image} is not here`)
          return []
        }
      )
  })
)

const main = Effect.gen(function* () {
  const folder = yield* Effect.promise(() => mkdtemp(join(tmpdir(), "berth-bench-")))
  yield* Effect.addFinalizer(() => Effect.promise(() => rm(folder, { recursive: true, force: true })))
  yield* Effect.addFinalizer(() => Effect.promise(cleanUp))
  const runtime = yield* docker({ instance }).open({ folder })
  yield* say("Milliseconds to the first query; ratios with their targets\n")
  yield* say(
    "| engine | by hand | first deploy | ratio | later deploy | ratio |\n| --- | --- | --- | --- | --- | --- |"
  )
  for (const subject of there.flat()) yield* compare(runtime, subject)
  yield* ten(runtime)
  yield* say(`\nProcessor seconds an hour for logging in to 100 databases every ten seconds\n`)
  yield* say("| engine | Berth | servers |\n| --- | --- | --- |")
  for (const subject of there.flat()) yield* idle(runtime, subject)
})

await Effect.runPromise(Effect.scoped(main))
