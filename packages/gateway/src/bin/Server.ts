/** The gateway as a program: from its configuration file to its last session. */
import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { Cause, Deferred, Effect, Queue, Stream } from "effect"
import * as Admin from "../admin/Admin.ts"
import * as Authority from "../admin/Authority.ts"
import * as Doors from "../admin/Doors.ts"
import * as TunnelDoor from "../admin/TunnelDoor.ts"
import * as Config from "../config/Config.ts"
import { Gateway, type Options } from "../Gateway.ts"
import { SessionLog } from "../log/SessionLog.ts"
import * as Handle from "../plane/userspace/wire/Handle.ts"
import { version } from "../version.ts"
import * as Takeover from "./Takeover.ts"

const adminDoor = "admin"
const tunnelDoor = "ws"
const lookEvery = "1 second"

const gatewayOptions = (config: Config.Config, inherited: Map<string, Handle.Handle>): Options => ({
  ...(config.listen === undefined ? {} : { listen: config.listen }),
  ...(config.state === undefined ? {} : { state: config.state }),
  ...(config.limits === undefined ? {} : { limits: config.limits }),
  ...(config.dns === undefined ? {} : { dns: config.dns }),
  ...(config.workers === undefined ? {} : { workers: config.workers }),
  inherited
})

const digest = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex")

/** The file's routes replace the table when they are not those that it was last made from. */
const adopt = Effect.fnUntraced(function* (config: Config.Config) {
  if (config.routes === undefined) return
  const gateway = yield* Gateway
  const source = digest(config.routes)
  if ((yield* gateway.routes.source) === source) return
  const table = yield* gateway.routes.replace(config.routes, { source })
  yield* Effect.logInfo("the routes of the configuration file are in service").pipe(
    Effect.annotateLogs({ revision: table.revision, routes: table.routes.length })
  )
})

const parseAddress = (field: string, text: string) => {
  const address = Authority.parseAddress(text)
  return address === undefined
    ? Effect.fail(Doors.AdminUnavailable.of(`${field}: ${text} is neither \`host:port\` nor the path of a Unix socket`))
    : Effect.succeed(address)
}

const stampOf = (path: string): string => {
  try {
    const { mtimeMs, size, ino } = statSync(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    // While the file is being replaced it may be missing for a moment; what is served stays.
    return ""
  }
}

type Signal = "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGUSR2"

const signals = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<Signal>()
  const listener = (signal: NodeJS.Signals) => {
    if (signal === "SIGTERM" || signal === "SIGINT" || signal === "SIGHUP" || signal === "SIGUSR2") {
      Queue.offerUnsafe(queue, signal)
    }
  }
  const names = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      for (const name of names) process.on(name, listener)
    }),
    () =>
      Effect.sync(() => {
        for (const name of names) process.off(name, listener)
      })
  )
  return queue
})

const logSessions = Effect.fnUntraced(function* (config: Config.Config) {
  const gateway = yield* Gateway
  const log = new SessionLog(process.stdout)
  if (config.logSessions !== false) {
    yield* gateway.sessions.pipe(
      Stream.runForEach((session) => Effect.sync(() => log.ended(session, Date.now()))),
      Effect.forkScoped
    )
  }
  yield* gateway.refusals.pipe(
    Stream.runForEach(({ reason, route, address }) =>
      Effect.sync(() => log.refused(reason, route, address, Date.now()))
    ),
    Effect.forkScoped
  )
})

const watchFiles = Effect.fnUntraced(function* (path: string, reload: Effect.Effect<void>) {
  const gateway = yield* Gateway
  let stamp = stampOf(path)
  const look = Effect.gen(function* () {
    const reports: Array<{ readonly files: ReadonlyArray<string>; readonly problem: string | undefined }> = []
    gateway.extras.reloadCertificates?.((files, problem) => reports.push({ files, problem }))
    for (const { files, problem } of reports) {
      yield* problem === undefined
        ? Effect.logInfo("certificate files were read again").pipe(Effect.annotateLogs({ files }))
        : Effect.logError("changed certificate files cannot be used; the old ones stay in service").pipe(
            Effect.annotateLogs({ files, problem })
          )
    }
    const now = stampOf(path)
    if (now === stamp || now === "") return
    stamp = now
    yield* reload
  })
  yield* look.pipe(Effect.andThen(Effect.sleep(lookEvery)), Effect.forever, Effect.forkScoped)
})

const openTunnels = Effect.fnUntraced(function* (
  config: Config.Config,
  { address, certificate, key }: NonNullable<Config.Config["ws"]>,
  inherited: Map<string, Handle.Handle>
) {
  const tls =
    certificate === undefined || key === undefined
      ? undefined
      : { cert: readFileSync(certificate), key: readFileSync(key), minVersion: "TLSv1.2" as const }
  return yield* TunnelDoor.serve({
    address: yield* parseAddress("ws.address", address),
    token: config.token,
    tls,
    inherited: inherited.get(tunnelDoor)
  })
})

/** Runs until a signal ends it. */
export const run = Effect.fn("Server.run")(function* (path: string) {
  const inherited = Takeover.isSuccessor() ? yield* Takeover.receive : new Map<string, Handle.Handle>()
  const config = yield* Config.load(path)
  const queue = yield* signals
  const program = Effect.gen(function* () {
    const gateway = yield* Gateway
    let accepting = true
    yield* logSessions(config)
    yield* adopt(config)
    const ready = Effect.sync(() => accepting)
    const admin =
      config.admin === undefined
        ? undefined
        : yield* Admin.serve({
            address: yield* parseAddress("admin.address", config.admin.address),
            token: config.token,
            ready,
            inherited: inherited.get(adminDoor)
          })
    const tunnels = config.ws === undefined ? undefined : yield* openTunnels(config, config.ws, inherited)
    const reload = Config.load(path).pipe(
      Effect.flatMap(adopt),
      Effect.catch((error) =>
        Effect.logError("the configuration file was not taken over; what was served is still served").pipe(
          Effect.annotateLogs({ problem: error.message })
        )
      ),
      Effect.provideService(Gateway, gateway)
    )
    yield* watchFiles(path, reload)
    if (Takeover.isSuccessor()) yield* Takeover.announce
    yield* Effect.logInfo("serving").pipe(Effect.annotateLogs({ version, pid: process.pid, admin: admin?.port }))

    const finished = yield* Deferred.make<void>()
    const end = (grace: number) =>
      Effect.gen(function* () {
        accepting = false
        const cut = yield* gateway.drain(grace)
        yield* Effect.logInfo("ended").pipe(Effect.annotateLogs({ cut }))
        yield* Deferred.succeed(finished, undefined)
      })
    const succeed = Effect.gen(function* () {
      const doors = [...(gateway.extras.handles?.() ?? [])]
      for (const [name, server] of [[adminDoor, admin?.server] as const, [tunnelDoor, tunnels?.server] as const]) {
        const handle = server === undefined ? undefined : Handle.ofServer(server)
        if (handle !== undefined) doors.push([name, handle])
      }
      const pid = yield* Takeover.handOver(doors)
      yield* Effect.logInfo("a new process serves; this one stays for its live sessions").pipe(
        Effect.annotateLogs({ pid })
      )
      admin?.server.close()
      tunnels?.server.close()
      // Weeks, if a session lasts so long; SIGTERM makes it shorter.
      yield* end(2 ** 31 - 1)
    }).pipe(Effect.catch((error) => Effect.logError(error.message)))

    yield* Effect.gen(function* () {
      let ending = 0
      for (;;) {
        const signal = yield* Queue.take(queue)
        if (signal === "SIGHUP") yield* reload
        else if (signal === "SIGUSR2") yield* Effect.forkScoped(succeed)
        else {
          ending += 1
          if (ending > 1) yield* Deferred.succeed(finished, undefined)
          else yield* Effect.forkScoped(end(Config.drainMillis(config)))
        }
      }
    }).pipe(Effect.forkScoped)
    yield* Deferred.await(finished)
  })
  yield* program.pipe(Effect.provide(Gateway.layer(gatewayOptions(config, inherited))))
}, Effect.scoped)

/** What a person reads when the program cannot go on. */
export const explain = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}
