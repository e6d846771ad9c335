/** What the tests of the runtime `docker` share: whether they can run, a runtime of their own, and its clean-up. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Administration, Login, Runtime, ServerSpec, Target } from "@berth/engines"
import { Engine } from "@berth/engines"
import { docker } from "@berth/engines/docker"
import { assert, describe, it } from "@effect/vitest"
import Dockerode from "dockerode"
import { Data, Effect, Redacted, Schedule } from "effect"

export const engine = new Dockerode()

const answers = await engine.ping().then(
  () => true,
  () => false
)

const hasImage = (reference: string) =>
  engine
    .getImage(reference)
    .inspect()
    .then(
      () => true,
      () => false
    )

/** Images that can be had by nobody who has no registry; their tests run where somebody has put them. */
const optional = ["mongo:8"]

/**
 * A group of tests that needs a Docker Engine with the images. Where one is missing the group is skipped with the
 * reason in its name; `BERTH_REQUIRE=docker` makes a failure of it.
 */
export const withDocker = async (name: string, images: ReadonlyArray<string>, body: () => void): Promise<void> => {
  const absent = answers ? await Promise.all(images.map(async (image) => ((await hasImage(image)) ? [] : [image]))) : []
  const lacking = absent.flat()
  const reason = answers ? `no image ${lacking.join(", ")}` : "no Docker Engine answers"
  if (answers && lacking.length === 0) return void describe(name, body)
  const required = process.env.BERTH_REQUIRE?.split(",").includes("docker") === true
  if (required && !lacking.every((image) => answers && optional.includes(image))) {
    return void describe(name, () => it("has what it needs", () => assert.fail(reason)))
  }
  describe.skip(`${name} (${reason})`, body)
}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

export const randomText = (length: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => letters[byte % letters.length]).join("")

export const password = () => Redacted.make(randomText(32))

/** Everything that bears the label of `instance`, removed whatever a test left behind. */
const cleanUp = async (instance: string) => {
  const filters = { label: [`berth.instance=${instance}`] }
  for (const { Id } of await engine.listContainers({ all: true, filters })) {
    await engine
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => {})
  }
  for (const { Name } of (await engine.listVolumes({ filters })).Volumes ?? []) {
    await engine
      .getVolume(Name)
      .remove()
      .catch(() => {})
  }
  for (const { Id } of await engine.listNetworks({ filters }))
    await engine
      .getNetwork(Id)
      .remove()
      .catch(() => {})
}

/** Names of everything that bears the label, templates aside: those are kept for the next server on purpose. */
export const remains = async (instance: string): Promise<ReadonlyArray<string>> => {
  const filters = { label: [`berth.instance=${instance}`] }
  const containers = await engine.listContainers({ all: true, filters })
  const volumes = (await engine.listVolumes({ filters })).Volumes ?? []
  const networks = await engine.listNetworks({ filters })
  return [
    ...containers.flatMap(({ Names, Labels }) => (Labels["berth.role"] === "template" ? [] : Names)),
    ...volumes.flatMap(({ Name, Labels }) => (Labels?.["berth.role"] === "template" ? [] : [Name])),
    ...networks.map(({ Name }) => Name)
  ]
}

export interface Harbour {
  readonly runtime: Runtime
  readonly instance: string
  readonly folder: string
}

/** A runtime with an identity of its own, whose things are gone when the scope closes. */
export const harbour = (options: Parameters<typeof docker>[0] = {}) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "berth-docker-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
    )
    const instance = options.instance ?? `test-${randomText(10)}`
    yield* Effect.addFinalizer(() => Effect.promise(() => cleanUp(instance)))
    const runtime = yield* docker({ ...options, instance }).open({ folder })
    const found: Harbour = { runtime, instance, folder }
    return found
  })

export interface Database {
  readonly spec: ServerSpec
  readonly admin: Login
  readonly app: Login
  readonly administration: Administration
}

export interface Wishes {
  readonly version?: string
  readonly name?: string
  readonly network?: string
  readonly id?: string
  readonly limits?: Engine.Limits
}

/** A specification as the SDK would make it. */
export const database = (runtime: Runtime, value: Engine.Engine, wishes: Wishes = {}): Database => {
  const name = wishes.name ?? "orders"
  const admin = { ...value.administrator, password: password() }
  const app = { ...value.naming(name), password: password() }
  const version = wishes.version ?? value.defaultVersion
  const limits = wishes.limits === undefined ? {} : { limits: wishes.limits }
  const spec: ServerSpec = {
    id: wishes.id ?? `t${randomText(12)}`,
    name,
    network: wishes.network ?? `t${randomText(12)}`,
    engine: value,
    version,
    plan: value.server({ version, admin, app, ...limits }),
    admin,
    labels: { app: "shop", environment: "production", database: name },
    ...limits
  }
  return { spec, admin, app, administration: runtime.administration(value) }
}

export const quiet = () => Effect.void

export class NotRunning extends Data.TaggedError("NotRunning")<{ readonly state: string }> {}

/** Where the primary endpoint is reached from here. */
export const address = (runtime: Runtime, spec: ServerSpec) =>
  Effect.gen(function* () {
    // As an operation of the SDK does; whoever asks for the status is told at once.
    const found = yield* runtime
      .inspect(spec.id)
      .pipe(Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 50, while: (error) => error.isRetryable }))
    const state = found?.state
    if (state?._tag !== "Running") return yield* Effect.fail(new NotRunning({ state: JSON.stringify(state) }))
    const at = state.addresses[Engine.primaryEndpoint(spec.engine).name]
    return at ?? (yield* Effect.fail(new NotRunning({ state: "it has no address" })))
  })

export const target = (runtime: Runtime, spec: ServerSpec, login: Login) =>
  address(runtime, spec).pipe(Effect.map((at): Target => ({ ...at, ...login })))

/** As the SDK waits: until the administrator can log in, for as long as the engine allows. */
export const ready = (runtime: Runtime, { spec, admin, administration }: Database) =>
  target(runtime, spec, admin).pipe(
    Effect.flatMap((at) => administration.ping(at)),
    Effect.retry({ schedule: Schedule.spaced("50 millis") }),
    Effect.timeout(spec.engine.startTimeout)
  )

/** Every step of a deploy up to its proof. */
export const deploy = (runtime: Runtime, database: Database) =>
  Effect.gen(function* () {
    const { spec, admin, app, administration } = database
    yield* runtime.prepare(spec, quiet)
    yield* runtime.create(spec, quiet)
    yield* runtime.start(spec)
    yield* ready(runtime, database)
    yield* administration.createApp(yield* target(runtime, spec, admin), app)
    return yield* target(runtime, spec, app)
  })
