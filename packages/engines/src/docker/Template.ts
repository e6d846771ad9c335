/**
 * Prepared volumes: the data folder of a version, initialised once and copied for every server. The container that
 * made the volume stays, stopped, as its certificate: it is renamed to the template's name when it has ended with 0,
 * so a template that was left half-made never bears the name, and the engine removes no volume that a container names.
 */
import { randomBytes } from "node:crypto"
import { Effect } from "effect"
import type { ContainerPlan } from "../ContainerPlan.ts"
import type { Progress, ServerSpec } from "../Runtime.ts"
import { CommandFailed, fail } from "../RuntimeError.ts"
import * as Container from "./Container.ts"
import { type CreateOptions, expecting } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import type { Image } from "./Image.ts"
import { label, safe } from "./labels.ts"
import { lastLinesOf } from "./logs.ts"
import * as Volume from "./Volume.ts"

const prefix = "berth-template-"
const half = "-half"
const makeLimit = "10 minutes"

export const templateName = (engine: string, version: string, imageId: string, recipe: string): string =>
  `${prefix}${engine}-${safe(version)}-${imageId.replace(/^sha256:/, "").slice(0, 12)}-${safe(recipe)}`

export const isHalfMade = (name: string): boolean => name.endsWith(half)

const options = (
  host: DockerHost,
  spec: ServerSpec,
  plan: ContainerPlan,
  image: Image,
  name: string,
  recipe: string,
  initialise: string
): CreateOptions & { name: string } => {
  const volume = `${name}-${randomBytes(4).toString("hex")}`
  const labels = {
    [label.instance]: host.instance,
    [label.role]: "template",
    [label.engine]: spec.engine.id,
    [label.version]: spec.version,
    [label.image]: image.digest,
    [label.reference]: image.reference,
    [label.recipe]: recipe,
    [label.volume]: volume
  }
  return {
    name: `${name}${half}`,
    Image: image.reference,
    ...(plan.user === undefined ? {} : { User: plan.user }),
    Entrypoint: ["/bin/sh", "-euc", initialise, "berth"],
    Cmd: [plan.data],
    Env: Object.entries(plan.env).map(([key, value]) => `${key}=${value}`),
    Healthcheck: { Test: ["NONE"] },
    Labels: labels,
    HostConfig: {
      NetworkMode: "none",
      RestartPolicy: { Name: "no" },
      SecurityOpt: ["no-new-privileges"],
      ...(plan.user === undefined ? {} : { CapDrop: ["ALL"] }),
      Mounts: [
        {
          Type: "volume",
          Source: volume,
          Target: plan.volume,
          VolumeOptions: { NoCopy: false, Labels: labels, DriverConfig: { Name: "local", Options: {} } }
        }
      ]
    }
  }
}

/** Whoever made a template, it serves every Berth on the engine: it bears nobody's credentials. */
const look = (host: DockerHost, name: string) =>
  host.client.call("look at a template", (docker) =>
    expecting(
      [404],
      () => docker.getContainer(name).inspect(),
      () => undefined
    )
  )

const discard = (host: DockerHost, container: string, volume: string | undefined) =>
  Container.remove(host, container).pipe(
    Effect.andThen(volume === undefined ? Effect.void : Effect.asVoid(Volume.remove(host, volume)))
  )

/** Every step finds the work of whoever did it before, so two processes that make the same template make it together. */
const make = Effect.fnUntraced(function* (host: DockerHost, making: CreateOptions & { name: string }, name: string) {
  yield* host.client.call("make a template", (docker) =>
    expecting(
      [409],
      () => docker.createContainer(making).then(() => undefined),
      () => undefined
    )
  )
  const info = yield* look(host, making.name)
  // Somebody else has finished it in between.
  if (info === undefined) return true
  const volume = info.Config.Labels[label.volume]
  const code = yield* host.client.call(
    "initialise a template",
    async (docker) => {
      const container = docker.getContainer(info.Id)
      if (info.State.Status === "created") {
        await expecting(
          [304],
          () => container.start(),
          () => undefined
        )
      }
      const ended: { readonly StatusCode: number } = await container.wait()
      return ended.StatusCode
    },
    makeLimit
  )
  if (code !== 0) {
    const lastLines = yield* lastLinesOf(host, info.Id)
    yield* discard(host, info.Id, volume)
    // One that was there before us may have ended for a reason that is over.
    if (info.State.Status !== "created") return false
    const program = `The initialisation of ${name.slice(prefix.length)}`
    return yield* Effect.fail(fail(new CommandFailed({ program, how: `it ended with ${code}`, lastLines })))
  }
  yield* host.client.call("name a template", (docker) =>
    // Somebody else who waited for the same container has named it (400) or another one (409), or has removed it.
    expecting(
      [400, 404, 409],
      () => docker.getContainer(info.Id).rename({ name }),
      () => undefined
    )
  )
  return true
})

/** Name of the template's volume, which is whole when this answers. */
export const ensure = Effect.fnUntraced(function* (
  host: DockerHost,
  spec: ServerSpec,
  plan: ContainerPlan,
  image: Image,
  progress: Progress
) {
  if (plan.template === undefined) return undefined
  const { recipe, initialise } = plan.template
  const name = templateName(spec.engine.id, spec.version, image.id, recipe)
  const there = yield* look(host, name)
  if (there !== undefined) return there.Config.Labels[label.volume]
  yield* progress(`Initialising the data of ${spec.engine.label} ${spec.version} (once for this image)`)
  const making = options(host, spec, plan, image, name, recipe, initialise)
  const made = yield* make(host, making, name)
  if (!made) yield* make(host, making, name)
  const whole = yield* look(host, name)
  return whole?.Config.Labels[label.volume]
})

/** Removes the certificate first, so that nobody takes a volume that is about to go. Answers whether it could. */
export const remove = Effect.fnUntraced(function* (host: DockerHost, name: string) {
  const info = yield* look(host, name)
  if (info === undefined || info.Config.Labels[label.role] !== "template") return
  yield* discard(host, info.Id, info.Config.Labels[label.volume])
})
