/** The only file that knows the driver `dockerode`. It is loaded when the first call is made. */
import type Dockerode from "dockerode"
import { type Duration, Effect, Schedule } from "effect"
import { DiskFull, fail, HostFailed, HostUnreachable, type RuntimeError } from "../RuntimeError.ts"

export type Docker = Dockerode
export type ContainerInfo = Dockerode.ContainerInspectInfo
export type CreateOptions = Dockerode.ContainerCreateOptions
export type VolumeInfo = Dockerode.VolumeInspectInfo

/** Where the Docker Engine listens. */
export interface Endpoint {
  readonly socketPath?: string
  readonly host?: string
  readonly port?: number
  readonly protocol?: "http" | "https"
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface Client {
  /** What errors call the host. */
  readonly host: string
  /** `action` finishes the sentence "The host could not …". Every call is bounded, in half a minute unless told. */
  readonly call: <A>(
    action: string,
    run: (docker: Docker, signal: AbortSignal) => Promise<A>,
    within?: Duration.Input
  ) => Effect.Effect<A, RuntimeError>
}

const callLimit = "30 seconds"

const textOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  // The driver puts the engine's words behind its own: "(HTTP code 404) no such container - …".
  return cause.message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim()
}

/** Failures of the way to the engine. None of them has a status code. */
const unreachable = new Set(["ECONNREFUSED", "ECONNRESET", "ENOENT", "EACCES", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH"])

export const statusOf = (cause: unknown): number | undefined =>
  cause instanceof Error && "statusCode" in cause && typeof cause.statusCode === "number" ? cause.statusCode : undefined

/**
 * What an engine that is going down says while it still answers: its own word, that of containerd, which goes with it,
 * and that of its store of networks, which is closed before the door is.
 */
const goingDown =
  /shutting down|containerd.*(unavailable|closing)|transport is closing|connection is closing|object type \*libnetwork|context canceled/i

const toError = (host: string, action: string, cause: unknown): RuntimeError => {
  const detail = textOf(cause)
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  if (statusOf(cause) === undefined && (unreachable.has(code) || /socket hang up|network socket/i.test(detail))) {
    return fail(new HostUnreachable({ host, action, detail: code === "" ? detail : code }))
  }
  if (/no space left on device/i.test(detail)) return fail(new DiskFull({ folder: `the volumes of the host ${host}` }))
  const leaving = statusOf(cause) === 503 || goingDown.test(detail)
  if (leaving) return fail(new HostUnreachable({ host, action, detail }))
  return fail(new HostFailed({ action, detail, isRetryable: false }))
}

/** Runs `onStatus` in place of a failure with one of the statuses that the step expects. */
export const expecting = <A>(
  statuses: ReadonlyArray<number>,
  run: () => Promise<A>,
  onStatus: (status: number, detail: string) => A | Promise<A>
): Promise<A> =>
  run().catch((cause: unknown) => {
    const status = statusOf(cause)
    return status !== undefined && statuses.includes(status) ? onStatus(status, textOf(cause)) : Promise.reject(cause)
  })

export const connect = (host: string, endpoint: Endpoint): Client => {
  let loading: Promise<Docker> | undefined
  const load = () => {
    loading ??= import("dockerode").then(({ default: Constructor }) => new Constructor(endpoint))
    return loading
  }
  return {
    host,
    call: (action, run, within = callLimit) =>
      Effect.tryPromise({
        try: async (signal) => run(await load(), signal),
        catch: (cause) => toError(host, action, cause)
      }).pipe(
        Effect.timeoutOrElse({
          duration: within,
          orElse: () => Effect.fail(fail(new HostUnreachable({ host, action, detail: "no answer in time" })))
        })
      )
  }
}

const isAway = (error: RuntimeError): boolean => error.reason._tag === "HostUnreachable"

/**
 * Goes on when an engine that was away for a while, up to about a minute, is back. Only for what can run twice.
 */
export const patiently = <A, R>(effect: Effect.Effect<A, RuntimeError, R>): Effect.Effect<A, RuntimeError, R> =>
  effect.pipe(
    Effect.retry({
      schedule: Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("4 seconds")]),
      times: 20,
      while: isAway
    })
  )
