/** The image of an engine's version: used when it is there, fetched when it is not. */
import { Effect, Stream } from "effect"
import type { Progress, ServerSpec } from "../Runtime.ts"
import { fail, HostFailed, ImageMissing, type RuntimeError } from "../RuntimeError.ts"
import { expecting } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { layerLines } from "./pull.ts"
import { firstFile } from "./tar.ts"

export interface Image {
  /** As the engine's value names it. */
  readonly reference: string
  /** Of its configuration, `sha256:…`: the same on every host that holds the same image. */
  readonly id: string
  /** Under which its registry knows it, or its id when it came from none. */
  readonly digest: string
  readonly entrypoint: ReadonlyArray<string>
  readonly command: ReadonlyArray<string>
}

/** Sizes of layers differ a thousandfold, so what is bounded is the silence between two lines. */
const silenceLimit = "2 minutes"

export const referenceOf = (spec: ServerSpec): string => spec.engine.versions[spec.version]?.image ?? ""

/** `undefined` when the host does not have it. */
export const find = (host: DockerHost, reference: string): Effect.Effect<Image | undefined, RuntimeError> =>
  host.client
    .call("look at an image", (docker) =>
      expecting(
        [404],
        () => docker.getImage(reference).inspect(),
        () => undefined
      )
    )
    .pipe(
      Effect.map((info) => {
        if (info === undefined) return undefined
        const digest = info.RepoDigests?.[0]?.split("@")[1] ?? info.Id
        const words = (value: unknown) => (Array.isArray(value) ? value.map(String) : [])
        return {
          reference,
          id: info.Id,
          digest,
          entrypoint: words(info.Config.Entrypoint),
          command: words(info.Config.Cmd)
        }
      })
    )

const pull = Effect.fnUntraced(function* (host: DockerHost, reference: string, progress: Progress) {
  yield* progress(`Fetching the image ${reference}`)
  const missing = (detail: string, isRetryable: boolean) =>
    fail(new ImageMissing({ image: reference, detail, isRetryable }))
  // Without a tag the engine would fetch all of them.
  const name = /[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`
  const answer = yield* host.client
    .call("fetch an image", (docker) => docker.pull(name), silenceLimit)
    .pipe(
      Effect.mapError((error) =>
        error.reason._tag === "HostFailed"
          ? missing(error.reason.detail, !/not found|denied/i.test(error.message))
          : error
      )
    )
  yield* layerLines(answer).pipe(
    Stream.timeoutOrElse({
      duration: silenceLimit,
      orElse: () => Stream.fail({ detail: "the registry has gone silent", isRetryable: true })
    }),
    Stream.mapError(({ detail, isRetryable }) => missing(detail, isRetryable)),
    Stream.runForEach(progress)
  )
})

/** The image, which is on the host when this answers. Nothing is asked of a registry when it is there already. */
export const ensure = Effect.fnUntraced(function* (host: DockerHost, reference: string, progress: Progress) {
  const there = yield* find(host, reference)
  if (there !== undefined) return there
  yield* pull(host, reference, progress)
  const fetched = yield* find(host, reference)
  if (fetched === undefined) {
    return yield* Effect.fail(
      fail(new ImageMissing({ image: reference, detail: "it is gone again", isRetryable: true }))
    )
  }
  yield* progress(`Fetched ${reference}, ${fetched.digest}`)
  return fetched
})

export interface UserIds {
  readonly uid: number
  readonly gid: number
}

/** Numbers of a user inside the image, as its `/etc/passwd` has them. `container` need not run. */
export const userIds = Effect.fnUntraced(function* (host: DockerHost, container: string, user: string | undefined) {
  if (user === undefined) return { uid: 0, gid: 0 }
  const passwd = yield* host.client.call("read the users of an image", async (docker) => {
    const stream = await docker.getContainer(container).getArchive({ path: "/etc/passwd" })
    const chunks: Array<Buffer> = []
    for await (const chunk of stream) chunks.push(Buffer.from(chunk))
    return firstFile(Buffer.concat(chunks))
  })
  const entry = passwd
    ?.split("\n")
    .find((line) => line.startsWith(`${user}:`))
    ?.split(":")
  const [uid, gid] = [Number(entry?.[2]), Number(entry?.[3])]
  if (entry === undefined || Number.isNaN(uid) || Number.isNaN(gid)) {
    const detail = `the image has no user "${user}"`
    return yield* Effect.fail(fail(new HostFailed({ action: "find the server's user", detail, isRetryable: false })))
  }
  return { uid, gid }
})
