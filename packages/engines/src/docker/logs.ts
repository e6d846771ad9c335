/** What a server wrote on its standard output and error, as the Docker Engine keeps it (three files of 10 MiB). */
import { Readable } from "node:stream"
import { Effect, Stream } from "effect"
import type { LogLine, LogOptions } from "../Runtime.ts"
import { fail, HostUnreachable, type RuntimeError, ServerMissing } from "../RuntimeError.ts"
import { expecting } from "./client.ts"
import type { DockerHost } from "./DockerHost.ts"
import { lines } from "./frames.ts"

const keptLines = 8
const reopenEvery = "500 millis"

/** The engine's stamp has a fixed width, so stamps compare as texts, to the nanosecond. */
interface Stamped extends LogLine {
  readonly stamp: string
}

/** `2026-01-02T03:04:05.123456789Z text`, as the engine writes it when it is asked for moments. */
const stamped = (line: string): Stamped => {
  const space = line.indexOf(" ")
  const stamp = space < 0 ? line : line.slice(0, space)
  return { at: new Date(stamp), text: space < 0 ? "" : line.slice(space + 1), stamp }
}

/** `undefined` when there is no such container. */
const open = (host: DockerHost, container: string, options: LogOptions) =>
  host.client.call("read a log", (docker) => {
    const query = {
      stdout: true,
      stderr: true,
      timestamps: true,
      ...(options.tail === undefined ? {} : { tail: options.tail }),
      ...(options.since === undefined ? {} : { since: (options.since.getTime() / 1000).toFixed(3) })
    }
    const target = docker.getContainer(container)
    return expecting(
      [404, 409],
      async (): Promise<Readable | undefined> =>
        options.follow === true
          ? new Readable().wrap(await target.logs({ ...query, follow: true }))
          : Readable.from([await target.logs({ ...query, follow: false })]),
      () => undefined
    )
  })

/** To the end of what is there, or, when it is followed, of the server's run. */
const run = (host: DockerHost, container: string, options: LogOptions): Stream.Stream<Stamped, RuntimeError> =>
  Stream.unwrap(
    Effect.acquireRelease(open(host, container, options), (stream) => Effect.sync(() => stream?.destroy())).pipe(
      Effect.flatMap((stream) =>
        stream === undefined
          ? Effect.fail(fail(new ServerMissing({ server: container })))
          : Effect.succeed(
              Stream.fromAsyncIterable(lines(stream), (cause) =>
                fail(new HostUnreachable({ host: host.client.host, action: "read a log", detail: String(cause) }))
              )
            )
      )
    )
  ).pipe(Stream.map(stamped))

/** Each time the server ends, and is there still, its next run is waited for. */
const follow = (host: DockerHost, container: string, options: LogOptions): Stream.Stream<Stamped, RuntimeError> =>
  Stream.suspend(() => {
    let last = ""
    const remember = (line: Stamped) =>
      Effect.sync(() => {
        last = line.stamp
      })
    const first = run(host, container, { ...options, follow: true })
    const next = Stream.suspend(() => {
      const since = last === "" ? options.since : new Date(last)
      const after = last
      const again = { follow: true, ...(since === undefined ? {} : { since }) }
      return run(host, container, again).pipe(Stream.filter((line) => line.stamp > after))
    })
    const later = Stream.forever(Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep(reopenEvery))), next))
    return Stream.concat(first, later).pipe(Stream.tap(remember))
  })

export const read = (host: DockerHost, container: string, options: LogOptions): Stream.Stream<LogLine, RuntimeError> =>
  (options.follow === true ? follow(host, container, options) : run(host, container, options)).pipe(
    Stream.map(({ at, text }) => ({ at, text }))
  )

/** The last few lines, for an error. None when they cannot be read: the error itself matters more. */
export const lastLinesOf = (host: DockerHost, container: string): Effect.Effect<ReadonlyArray<string>> =>
  run(host, container, { tail: keptLines }).pipe(
    Stream.runCollect,
    Effect.map((all) => all.map(({ text }) => text.trim()).filter((text) => text !== "")),
    Effect.orElseSucceed(() => [])
  )
