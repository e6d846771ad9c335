/** Volumes, found by their names and told apart by their labels. */
import { Effect } from "effect"
import { fail, NotOurs, type RuntimeError } from "../RuntimeError.ts"
import { expecting, type VolumeInfo } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { label } from "./labels.ts"

export const find = (host: DockerHost, name: string): Effect.Effect<VolumeInfo | undefined, RuntimeError> =>
  host.client.call("look at a volume", (docker) =>
    expecting(
      [404],
      () => docker.getVolume(name).inspect(),
      () => undefined
    )
  )

/** Fails with `NotOurs` for a volume of somebody else. */
export const requireOurs = (host: DockerHost, volume: VolumeInfo): Effect.Effect<void, RuntimeError> => {
  if (volume.Labels?.[label.instance] === host.instance) return Effect.void
  const found = "it does not bear the label of this Berth"
  return Effect.fail(fail(new NotOurs({ folder: `The volume ${volume.Name}`, found })))
}

/** Answers whether it is gone: one that a container still uses stays. */
export const remove = (host: DockerHost, name: string): Effect.Effect<boolean, RuntimeError> =>
  host.client.call("remove a volume", (docker) =>
    expecting(
      [404, 409],
      () =>
        docker
          .getVolume(name)
          .remove()
          .then(() => true),
      (status) => status === 404
    )
  )

export interface VolumeUser {
  readonly name: string
  readonly isOurs: boolean
}

/** Containers that name the volume, running or not. */
export const users = (host: DockerHost, name: string): Effect.Effect<ReadonlyArray<VolumeUser>, RuntimeError> =>
  host.client
    .call("list a volume's containers", (docker) => docker.listContainers({ all: true, filters: { volume: [name] } }))
    .pipe(
      Effect.map((all) =>
        all.map(({ Names, Labels }) => ({
          name: (Names[0] ?? "").replace(/^\//, ""),
          isOurs: Labels[label.instance] === host.instance
        }))
      )
    )
