/** What a server's container is made of: pure functions from a specification to the Docker Engine's options. */
import { createHash } from "node:crypto"
import { Duration, Redacted } from "effect"
import { type ContainerPlan, ownFolder } from "../ContainerPlan.ts"
import type { ServerSpec } from "../Runtime.ts"
import type { CreateOptions } from "./client.ts"
import { firstStart, templateMount } from "./firstStart.ts"
import type { Image, UserIds } from "./Image.ts"
import { label, networkName, serverLabels, serverName } from "./labels.ts"
import { pack } from "./tar.ts"

export interface Placing {
  readonly instance: string
  readonly image: Image
  /** Name of the data volume. */
  readonly volume: string
  /** Name of the volume to fill an empty data volume from. */
  readonly template?: string
  /** The engine may not raise the limits of its containers, so they stay as they are. Default: `false`. */
  readonly keepsLimits?: boolean
  /** Address to publish ports on. Left out: none is published. */
  readonly publishOn?: string
}

/** Where the copy of `plan.data` is found below the mount of a template. */
const templateData = (plan: ContainerPlan): string => `${templateMount}${plan.data.slice(plan.volume.length)}`

/** The server's command, behind our shell words when there is something to do before the server. */
const commandOf = (plan: ContainerPlan, { image, template }: Placing): Pick<CreateOptions, "Entrypoint" | "Cmd"> => {
  const args = plan.args.length === 0 ? [...image.command] : [...plan.args]
  if (plan.template === undefined && plan.bootstrap === undefined) {
    return { Entrypoint: [...image.entrypoint], Cmd: args }
  }
  const from = template === undefined ? "" : templateData(plan)
  const before = ["/bin/sh", "-c", firstStart, "berth", plan.data, from, plan.bootstrap ?? ""]
  return { Entrypoint: [...before, ...image.entrypoint], Cmd: args }
}

const mount = (name: string, path: string, readOnly: boolean, labels: Record<string, string>) => ({
  Type: "volume" as const,
  Source: name,
  Target: path,
  ReadOnly: readOnly,
  // A template's mount must not be filled from the image; an empty data volume takes the owner of the image's folder.
  VolumeOptions: { NoCopy: readOnly, Labels: labels, DriverConfig: { Name: "local", Options: {} } }
})

const limitsOf = ({ limits }: ServerSpec) => ({
  ...(limits?.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
  ...(limits?.cpus === undefined ? {} : { NanoCpus: Math.round(limits.cpus * 1e9) })
})

const graceSeconds = (plan: ContainerPlan): number => Math.ceil(Duration.toSeconds(plan.stop.grace))

const labelsOf = (spec: ServerSpec, plan: ContainerPlan, { instance, image, volume }: Placing) => ({
  ...serverLabels(spec, instance, "server"),
  [label.image]: image.digest,
  [label.reference]: image.reference,
  [label.data]: plan.data,
  [label.volume]: volume,
  [label.grace]: String(graceSeconds(plan))
})

const hostConfig = (spec: ServerSpec, plan: ContainerPlan, placing: Placing): CreateOptions["HostConfig"] => ({
  NetworkMode: networkName(spec.network),
  // Set by `start` and taken back by `stop`, so that it tells what is wanted of a container that does not run.
  RestartPolicy: { Name: "no" },
  // The engine makes the volume together with the container, and takes it as it is when it is there.
  Mounts: [
    mount(placing.volume, plan.volume, false, { ...labelsOf(spec, plan, placing), [label.role]: "data" }),
    ...(placing.template === undefined ? [] : [mount(placing.template, templateMount, true, {})])
  ],
  ...(plan.scratch === undefined ? {} : { Tmpfs: Object.fromEntries(plan.scratch.map((path) => [path, ""])) }),
  ...(placing.publishOn === undefined
    ? {}
    : {
        PortBindings: Object.fromEntries(
          spec.engine.endpoints.map(({ port }) => [`${port}/tcp`, [{ HostIp: placing.publishOn, HostPort: "" }]])
        )
      }),
  SecurityOpt: ["no-new-privileges"],
  // A server that never is root needs none of root's powers.
  ...(plan.user === undefined ? {} : { CapDrop: ["ALL"] }),
  ...(plan.sharedMemoryBytes === undefined ? {} : { ShmSize: plan.sharedMemoryBytes }),
  ...(plan.openFiles === undefined || placing.keepsLimits === true
    ? {}
    : { Ulimits: [{ Name: "nofile", Soft: plan.openFiles, Hard: plan.openFiles }] }),
  ...limitsOf(spec),
  LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } }
})

/** Everything but the fingerprint, which is made of it. */
const plainOptions = (spec: ServerSpec, plan: ContainerPlan, placing: Placing): CreateOptions => ({
  name: serverName(spec.id),
  Image: placing.image.reference,
  Hostname: spec.name,
  ...(plan.user === undefined ? {} : { User: plan.user }),
  Env: Object.entries(plan.env).map(([key, value]) => `${key}=${value}`),
  ...commandOf(plan, placing),
  ExposedPorts: Object.fromEntries(spec.engine.endpoints.map(({ port }) => [`${port}/tcp`, {}])),
  StopSignal: plan.stop.signal,
  StopTimeout: graceSeconds(plan),
  // Berth asks the server itself, through its driver; a program started every few seconds costs more than the answer.
  Healthcheck: { Test: ["NONE"] },
  Labels: labelsOf(spec, plan, placing),
  HostConfig: hostConfig(spec, plan, placing),
  NetworkingConfig: { EndpointsConfig: { [networkName(spec.network)]: { Aliases: [spec.name] } } }
})

/** The options of a server's container. Equal input gives an equal fingerprint, by which a changed one is told. */
export const createOptions = (spec: ServerSpec, plan: ContainerPlan, placing: Placing): CreateOptions => {
  const options = plainOptions(spec, plan, placing)
  // Whether a template is there to copy from, or limits can be raised, makes no other server.
  const { template: _, keepsLimits: __, ...lasting } = placing
  const text = JSON.stringify(plainOptions(spec, plan, lasting))
  const fingerprint = createHash("sha256").update(text).digest("hex").slice(0, 32)
  return { ...options, Labels: { ...options.Labels, [label.fingerprint]: fingerprint } }
}

const textsOf = (plan: ContainerPlan) =>
  Object.entries(plan.files).map(([path, text]) => ({
    path,
    text: Redacted.isRedacted(text) ? Redacted.value(text) : text
  }))

/** Changes when one of the plan's files does. */
export const filesRevision = (plan: ContainerPlan): string =>
  createHash("sha256")
    .update(JSON.stringify(textsOf(plan)))
    .digest("hex")

/** The plan's files with their revision, as an archive for the root of the container. */
export const filesArchive = (plan: ContainerPlan, user: UserIds, modified: number): Buffer => {
  const files = [...textsOf(plan), { path: `${ownFolder}/revision`, text: filesRevision(plan) }]
  return pack(
    [{ path: ownFolder, mode: 0o700, ...user }],
    files.map((file) => ({ ...file, mode: 0o400, ...user })),
    modified
  )
}
