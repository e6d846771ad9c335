/** Containers, found by their names and told apart by their labels. */
import { Effect } from "effect"
import { fail, HostFailed, NotOurs, type RuntimeError } from "../RuntimeError.ts"
import { type ContainerInfo, type CreateOptions, expecting } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { label } from "./labels.ts"

/** Whatever bears this name, ours or not. */
const look = (host: DockerHost, name: string): Effect.Effect<ContainerInfo | undefined, RuntimeError> =>
  host.client.call("look at a container", (docker) =>
    expecting(
      [404],
      () => docker.getContainer(name).inspect(),
      () => undefined
    )
  )

const isOurs = (host: DockerHost, info: ContainerInfo): boolean => info.Config.Labels[label.instance] === host.instance

/** The container of this name, if it is ours. */
export const find = (host: DockerHost, name: string): Effect.Effect<ContainerInfo | undefined, RuntimeError> =>
  look(host, name).pipe(Effect.map((info) => (info !== undefined && isOurs(host, info) ? info : undefined)))

/** Fails with `NotOurs` when somebody else's container bears the name. */
export const create = Effect.fnUntraced(function* (host: DockerHost, options: CreateOptions & { name: string }) {
  const taken = yield* host.client.call("make a container", (docker) =>
    expecting(
      [409],
      () => docker.createContainer(options).then(() => false),
      () => true
    )
  )
  if (!taken) return
  const info = yield* look(host, options.name)
  if (info === undefined || isOurs(host, info)) return
  const found = "another program made it"
  return yield* Effect.fail(fail(new NotOurs({ folder: `The container ${options.name}`, found })))
})

/** Ends and removes it, with the volumes that bear no name. */
export const remove = (host: DockerHost, name: string): Effect.Effect<void, RuntimeError> =>
  host.client.call("remove a container", (docker) =>
    expecting(
      [404],
      // 409: it is being removed already, and is gone when the removal is.
      () =>
        expecting(
          [409],
          () => docker.getContainer(name).remove({ force: true, v: true }),
          () => docker.getContainer(name).wait({ condition: "removed" })
        ),
      () => undefined
    )
  )

/** Files into the container, which need not run. */
export const put = (host: DockerHost, name: string, archive: Buffer): Effect.Effect<void, RuntimeError> =>
  host.client.call("put files into a container", (docker) =>
    docker
      .getContainer(name)
      .putArchive(archive, { path: "/" })
      .then(() => undefined)
  )

export interface Said {
  readonly code: number
  /** What it wrote on standard output; at most 64 KiB of it. */
  readonly output: string
}

const keptBytes = 64 * 1024

/** Runs one program inside a running container, to its end. */
export const exec = (
  host: DockerHost,
  name: string,
  command: ReadonlyArray<string>
): Effect.Effect<Said, RuntimeError> =>
  host.client
    .call("run a program in a container", async (docker) => {
      const exec = await docker
        .getContainer(name)
        .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: false, Tty: true })
      const stream = await exec.start({ Tty: true })
      let output = ""
      for await (const chunk of stream) output = (output + Buffer.from(chunk).toString("utf8")).slice(-keptBytes)
      const { ExitCode } = await exec.inspect()
      return { code: ExitCode ?? -1, output }
    })
    .pipe(
      Effect.filterOrFail(
        ({ code }) => code >= 0,
        () =>
          fail(new HostFailed({ action: "run a program in a container", detail: "no exit code", isRetryable: true }))
      )
    )
