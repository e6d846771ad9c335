/** One server: its container, its volume and its place in the environment's network. */
import { Effect } from "effect"
import type { ContainerPlan } from "../ContainerPlan.ts"
import type { Progress, ServerSpec } from "../Runtime.ts"
import { fail, HostFailed, NotSupported, PortTaken, type RuntimeError, ServerMissing } from "../RuntimeError.ts"
import * as Container from "./Container.ts"
import { type ContainerInfo, expecting } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import * as Image from "./Image.ts"
import { adoptedName, label, serverName } from "./labels.ts"
import * as Network from "./Network.ts"
import { createOptions, filesArchive, filesRevision, type Placing } from "./serverOptions.ts"
import { isRunning, wanted } from "./state.ts"
import * as Template from "./Template.ts"
import * as Volume from "./Volume.ts"

export const planOf = (spec: ServerSpec): Effect.Effect<ContainerPlan, RuntimeError> => {
  const plan = spec.plan.container
  if (plan !== undefined && spec.engine.versions[spec.version] !== undefined) return Effect.succeed(plan)
  const what = `A ${spec.engine.label} ${spec.version} server`
  return Effect.fail(fail(new NotSupported({ what, runtime: "docker", next: "Choose an engine that has an image." })))
}

/** Name of the volume that holds a server's data: its own, or one that it took over. */
export const volumeOf = (host: DockerHost, id: string): Effect.Effect<string, RuntimeError> =>
  Container.find(host, adoptedName(id)).pipe(
    Effect.map((adopted) => adopted?.Config.Labels[label.volume] ?? serverName(id))
  )

const silent: Progress = () => Effect.void

const requireOurs = Effect.fnUntraced(function* (host: DockerHost, name: string) {
  const volume = yield* Volume.find(host, name)
  if (volume !== undefined) yield* Volume.requireOurs(host, volume)
  return volume
})

export interface CreateInput {
  readonly spec: ServerSpec
  readonly image: Image.Image
  /** Left out: the data must be there. */
  readonly template?: string
  readonly keepsLimits?: boolean
}

const optionsOf = Effect.fnUntraced(function* (host: DockerHost, { spec, image, template, keepsLimits }: CreateInput) {
  const plan = yield* planOf(spec)
  const volume = yield* volumeOf(host, spec.id)
  yield* requireOurs(host, volume)
  const placing: Placing = {
    instance: host.instance,
    image,
    volume,
    ...(template === undefined ? {} : { template }),
    ...(keepsLimits === undefined ? {} : { keepsLimits }),
    ...((yield* Network.isLocal(host, spec.network)) ? {} : { publishOn: host.publishOn })
  }
  return { ...createOptions(spec, plan, placing), name: serverName(spec.id) }
})

/**
 * Puts the plan's files, unless this process has put the same into this container. Before every start: another process
 * may have put others.
 */
export const putFiles = Effect.fnUntraced(function* (host: DockerHost, spec: ServerSpec, info: ContainerInfo) {
  const plan = yield* planOf(spec)
  const revision = filesRevision(plan)
  if (host.memory.files.get(info.Id) === revision) return
  const key = `${info.Image} ${plan.user ?? ""}`
  const user = host.memory.users.get(key) ?? (yield* Image.userIds(host, info.Id, plan.user))
  host.memory.users.set(key, user)
  const millis = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
  yield* Container.put(host, info.Id, filesArchive(plan, user, Math.floor(millis / 1000)))
  host.memory.files.set(info.Id, revision)
})

const makeContainer = Effect.fnUntraced(function* (host: DockerHost, input: CreateInput) {
  const options = yield* optionsOf(host, input)
  const there = yield* Container.find(host, options.name)
  if (there !== undefined) {
    const same = there.Config.Labels[label.fingerprint] === options.Labels?.[label.fingerprint]
    if (same || isRunning(there)) return
    yield* Container.remove(host, there.Id)
  }
  yield* Container.create(host, options)
  const made = yield* Container.find(host, options.name)
  if (made !== undefined) yield* putFiles(host, input.spec, made)
})

/**
 * Makes the container with its volume, or finds them; one that does not run and was made otherwise is made anew. Its
 * network is made meanwhile: the engine looks for it when the container is started.
 */
export const create = (host: DockerHost, input: CreateInput): Effect.Effect<void, RuntimeError> =>
  Effect.all([makeContainer(host, input), Network.ensure(host, input.spec.network)], {
    concurrency: "unbounded",
    discard: true
  })

/** The server's container, made anew around its data when only that is left. */
export const recovered = Effect.fnUntraced(function* (host: DockerHost, spec: ServerSpec) {
  const name = serverName(spec.id)
  const there = yield* Container.find(host, name)
  if (there !== undefined) return there
  const volume = yield* requireOurs(host, yield* volumeOf(host, spec.id))
  if (volume === undefined) return yield* Effect.fail(fail(new ServerMissing({ server: spec.id })))
  yield* create(host, { spec, image: yield* Image.ensure(host, Image.referenceOf(spec), silent) })
  const made = yield* Container.find(host, name)
  if (made === undefined) return yield* Effect.fail(fail(new ServerMissing({ server: spec.id })))
  return made
})

type Started = "started" | "network gone" | "limits refused"

const launch = (host: DockerHost, spec: ServerSpec, info: ContainerInfo): Effect.Effect<Started, RuntimeError> =>
  host.client
    .call("start a container", async (docker) => {
      const container = docker.getContainer(info.Id)
      await container.update({ RestartPolicy: { Name: wanted } })
      return expecting<Started>(
        [304, 400, 404, 500],
        () => container.start().then(() => "started" as const),
        (status, detail) => {
          if (status === 304) return "started"
          // An engine that itself runs in a container cannot raise what its own machine has set.
          if (/setting rlimit/i.test(detail)) return "limits refused"
          if (/network .*not found/i.test(detail)) return "network gone"
          return Promise.reject(new Error(detail))
        }
      )
    })
    .pipe(
      Effect.mapError((error) => {
        const taken = /(?:Bind for|listen tcp\S*) ([\d.]+):(\d+).*(?:already (?:allocated|in use))/.exec(error.message)
        if (taken === null) return error
        return fail(new PortTaken({ server: spec.id, host: String(taken[1]), port: Number(taken[2]) }))
      })
    )

export const start = Effect.fnUntraced(function* (host: DockerHost, spec: ServerSpec) {
  const info = yield* recovered(host, spec)
  if (isRunning(info)) return
  if (info.State.Paused) {
    yield* host.client.call("continue a container", (docker) => docker.getContainer(info.Id).unpause())
    return
  }
  yield* putFiles(host, spec, info)
  const first = yield* launch(host, spec, info)
  if (first === "started") return
  // Somebody removed the environment's network, and Docker remembers the old one: a new container takes the new one.
  const image = yield* Image.ensure(host, Image.referenceOf(spec), silent)
  // One that never ran has its data still to make.
  const template = info.State.StartedAt.startsWith("0001-")
    ? yield* Template.ensure(host, spec, yield* planOf(spec), image, silent)
    : undefined
  yield* Container.remove(host, info.Id)
  yield* create(host, {
    spec,
    image,
    keepsLimits: first === "limits refused",
    ...(template === undefined ? {} : { template })
  })
  const made = yield* recovered(host, spec)
  yield* putFiles(host, spec, made)
  const second = yield* launch(host, spec, made)
  if (second === "started") return
  const detail = second === "limits refused" ? "its limits are refused" : "its network is removed while it starts"
  return yield* Effect.fail(fail(new HostFailed({ action: "start a container", detail, isRetryable: true })))
})
