/**
 * The runtime `local`: servers are processes of this machine, listening on loopback only. They outlive the process
 * that started them and are found again by the next one. Needs a POSIX shell; Windows is not supported.
 *
 * Below `folder`: `servers/<id>` holds one server each, `templates/<name>` what new servers are copied from, and
 * `programs` copies of programs that the servers' user cannot reach where they are.
 */
import { randomBytes } from "node:crypto"
import { rename } from "node:fs/promises"
import { join } from "node:path"
import { Duration, Effect, Fiber, Schedule, Semaphore, Stream } from "effect"
import type { ProgramPlan, Programs } from "../ProgramPlan.ts"
import type { Address, Host, Progress, Runtime, ServerFound, ServerSpec, ServerState } from "../Runtime.ts"
import { fail, HostFailed, NotSupported, type RuntimeError, ServerMissing } from "../RuntimeError.ts"
import { onDisk } from "./disk.ts"
import { openHome } from "./Home.ts"
import * as LogFile from "./LogFile.ts"
import { freePort, requireFree } from "./ports.ts"
import { run } from "./run.ts"
import {
  listFolders,
  type Manifest,
  readManifest,
  removing,
  type ServerFolder,
  serverFolder,
  writeManifest
} from "./ServerFolder.ts"
import * as ServerProcess from "./ServerProcess.ts"
import { removeFolder } from "./ServerUser.ts"
import * as Template from "./Template.ts"

const loopback = "127.0.0.1"
const rotateEvery = "30 seconds"

const programOf = (spec: ServerSpec): Effect.Effect<ProgramPlan, RuntimeError> => {
  if (process.platform === "win32") {
    const next = "Use a Docker host on this machine."
    return Effect.fail(fail(new NotSupported({ what: "A server on Windows", runtime: "local", next })))
  }
  if (spec.plan.program !== undefined) return Effect.succeed(spec.plan.program)
  const next = "Choose a host that runs containers."
  return Effect.fail(fail(new NotSupported({ what: `A ${spec.engine.label} server`, runtime: "local", next })))
}

const manifestOf = (spec: ServerSpec, plan: ProgramPlan, ports: Manifest["ports"]): Manifest => ({
  format: 1,
  id: spec.id,
  engine: spec.engine.id,
  version: spec.version,
  labels: spec.labels,
  ports,
  stop: { signal: plan.stop.signal, graceMillis: Duration.toMillis(plan.stop.grace) }
})

const addresses = (ports: Manifest["ports"]): Record<string, Address> =>
  Object.fromEntries(Object.entries(ports).map(([endpoint, port]) => [endpoint, { host: loopback, port }]))

const signals: Record<string, NodeJS.Signals> = { SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGQUIT: "SIGQUIT" }

const make = Effect.fnUntraced(function* (folder: string, options: LocalOptions) {
  const home = yield* openHome(folder, options.templates)
  const one = yield* Semaphore.make(1)
  const refilling = yield* Semaphore.make(1)
  const choosing = yield* Semaphore.make(1)
  const scope = yield* Effect.scope
  const settled = one.withPermits(1)(Effect.void)
  const folderOf = (id: string) => serverFolder(home.servers, id)

  const found = (server: ServerFolder) =>
    readManifest(server).pipe(
      Effect.flatMap((manifest) =>
        manifest === undefined ? Effect.fail(fail(new ServerMissing({ server: server.id }))) : Effect.succeed(manifest)
      )
    )

  /** Looked for once: what was found stays where it is, and one that is missing is looked for again. */
  const located = new Map<string, Programs>()
  const reachablePrograms = Effect.fnUntraced(function* (spec: ServerSpec, plan: ProgramPlan) {
    const key = `${spec.engine.id} ${spec.version}`
    const known = located.get(key)
    if (known !== undefined) return known
    const programs = yield* Template.reachablePrograms(yield* plan.locate, home.programs, home.user)
    located.set(key, programs)
    return programs
  })

  const stateOf = Effect.fnUntraced(function* (server: ServerFolder, manifest: Manifest) {
    const process = yield* ServerProcess.find(server, home.user)
    if (process._tag === "Never") return { _tag: "Stopped" } satisfies ServerState
    if (process._tag === "Running") {
      return { _tag: "Running", since: process.since, addresses: addresses(manifest.ports) } satisfies ServerState
    }
    const { how, lastLines } = yield* ServerProcess.howItEnded(server, process.pid)
    return { _tag: "Ended", ending: { how, lastLines } } satisfies ServerState
  })

  const inspect = (server: ServerFolder) =>
    readManifest(server).pipe(
      Effect.flatMap((manifest) =>
        manifest === undefined
          ? Effect.succeed(undefined)
          : stateOf(server, manifest).pipe(
              Effect.map((state): ServerFound => ({ id: server.id, labels: manifest.labels, state }))
            )
      )
    )

  const stopProcess = (server: ServerFolder, manifest: Manifest) =>
    ServerProcess.stop(
      server,
      { signal: signals[manifest.stop.signal] ?? "SIGTERM", grace: Duration.millis(manifest.stop.graceMillis) },
      home.user
    )

  /** A server that is stopped does not listen on its port, and has it all the same. */
  const portsGiven = listFolders(home.servers).pipe(
    Effect.flatMap((servers) =>
      Effect.forEach(servers, (server) => readManifest(server).pipe(Effect.orElseSucceed(() => undefined)))
    ),
    Effect.map((manifests) => new Set(manifests.flatMap((manifest) => Object.values(manifest?.ports ?? {}))))
  )

  /** Given once by the operating system, then kept: the addresses that apps were told stay true. */
  const ensurePorts = Effect.fnUntraced(function* (spec: ServerSpec, plan: ProgramPlan, server: ServerFolder) {
    const manifest = yield* found(server)
    if (Object.keys(manifest.ports).length === spec.engine.endpoints.length) {
      for (const port of Object.values(manifest.ports)) yield* requireFree(spec.id, loopback, port)
      return manifest.ports
    }
    const ports: Record<string, number> = {}
    yield* Effect.gen(function* () {
      const given = yield* portsGiven
      for (const endpoint of spec.engine.endpoints) {
        const port = yield* freePort(loopback, given)
        given.add(port)
        ports[endpoint.name] = port
      }
      yield* writeManifest(server, manifestOf(spec, plan, ports), home.user)
    }).pipe(choosing.withPermits(1))
    return ports
  })

  yield* listFolders(home.servers).pipe(
    Effect.flatMap((servers) => Effect.forEach(servers, (server) => LogFile.rotate(server.log), { discard: true })),
    Effect.catch((error) => Effect.logWarning("The logs of servers could not be rotated", error)),
    Effect.repeat(Schedule.spaced(rotateEvery)),
    Effect.forkScoped
  )

  const ensureTemplate = Effect.fnUntraced(function* (
    spec: ServerSpec,
    plan: ProgramPlan,
    programs: Programs,
    progress: Progress
  ) {
    const { templates, user } = home
    // One at a time: the second deploy of a version waits for the template that the first one has begun, while the
    // first one goes on with a copy of its own.
    yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* restore(one.take(1))
        const making = yield* Template.begin({ engine: spec.engine.id, plan, programs, templates, user }).pipe(
          Effect.onError(() => one.release(1))
        )
        if (making === undefined) return yield* one.release(1)
        const version = `${spec.engine.label} ${programs.version}`
        yield* progress(`Initialising the data folder of ${version} (once for this version)`)
        const template = yield* making.template.pipe(
          Effect.tapError((error) => Effect.logWarning(`No template of ${version} could be made`, error)),
          Effect.ensuring(one.release(1)),
          Effect.forkIn(scope)
        )
        yield* restore(making.copy ?? Fiber.join(template))
      })
    )
  })

  const runtime: Runtime = {
    kind: "local",
    prepare: Effect.fnUntraced(function* (spec, progress) {
      const plan = yield* programOf(spec)
      yield* ensureTemplate(spec, plan, yield* reachablePrograms(spec, plan), progress)
    }),

    create: Effect.fnUntraced(function* (spec, progress) {
      const plan = yield* programOf(spec)
      const programs = yield* reachablePrograms(spec, plan)
      const server = folderOf(spec.id)
      if ((yield* readManifest(server)) === undefined) {
        yield* writeManifest(server, manifestOf(spec, plan, {}), home.user)
      }
      if (yield* Template.exists(server.data)) return
      const half = `${server.data}.half`
      yield* removeFolder(half)
      const template = join(home.templates, Template.templateName(spec.engine.id, plan, programs))
      yield* progress("Copying the data folder and giving the server its own credentials")
      yield* Effect.gen(function* () {
        const take = Template.takeSpare(template, half, home.user, server.path)
        if (yield* take) return
        // Neither a copy nor a template may be there after a crash between the two steps.
        yield* ensureTemplate(spec, plan, programs, progress)
        if (yield* take) return
        yield* Effect.andThen(settled, Template.copyFolder(join(template, "data"), half, home.user, server.path))
      }).pipe(
        Effect.andThen(run(plan.bootstrap({ programs, data: half }), home.user, server.path)),
        // At once, and not when all is undone: on a full disk the store needs this room to write that it failed.
        Effect.onError(() => Effect.ignore(removeFolder(half)))
      )
      yield* onDisk("name a data folder", server.data, () => rename(half, server.data))
      yield* settled.pipe(
        Effect.andThen(Template.refill(template, home.user)),
        refilling.withPermitsIfAvailable(1),
        Effect.ignore,
        Effect.forkIn(scope)
      )
    }),

    start: Effect.fnUntraced(function* (spec) {
      const plan = yield* programOf(spec)
      const programs = yield* reachablePrograms(spec, plan)
      const server = folderOf(spec.id)
      if ((yield* ServerProcess.find(server, home.user))._tag === "Running") return
      const isNew = Object.keys((yield* found(server)).ports).length === 0
      const ports = yield* ensurePorts(spec, plan, server)
      const command = plan.serve({ programs, data: server.data, host: loopback, ports })
      yield* Effect.all(
        [
          ServerProcess.start(server, command, home.user),
          // What was copied reaches the disk while the server starts, and before anybody is told that it has.
          isNew ? run(plan.sync({ programs, data: server.data }), home.user, server.path) : Effect.void
        ],
        { concurrency: 2, discard: true }
      )
    }),

    stop: Effect.fnUntraced(function* (spec) {
      const server = folderOf(spec.id)
      yield* stopProcess(server, yield* found(server))
    }),

    remove: Effect.fnUntraced(function* (id) {
      const server = folderOf(id)
      const manifest = yield* readManifest(server)
      if (manifest === undefined) return yield* removeFolder(server.path)
      yield* stopProcess(server, manifest)
      // Out of the way at once: a folder whose removal was cut in the middle would be nobody's.
      const going = join(home.servers, `${removing}${id}.${randomBytes(4).toString("hex")}`)
      yield* onDisk("remove a server", server.path, () => rename(server.path, going))
      yield* removeFolder(going)
    }),

    inspect: (id) => inspect(folderOf(id)),

    list: listFolders(home.servers).pipe(
      Effect.flatMap((servers) =>
        Effect.forEach(
          servers,
          (server) =>
            // A folder that is not ours is its own problem, and not one of all servers.
            inspect(server).pipe(
              Effect.catchIf(
                (error) => error.reason._tag === "NotOurs",
                () => Effect.succeed(undefined)
              )
            ),
          { concurrency: 16 }
        )
      ),
      Effect.map((all) => all.filter((server) => server !== undefined))
    ),

    logs: (id, options) => {
      const server = folderOf(id)
      return Stream.unwrap(found(server).pipe(Effect.map(() => LogFile.lines(server.log, options))))
    },

    dataFolder: (id) => Effect.succeed(folderOf(id).data),

    internalAddress: Effect.fnUntraced(function* (spec, endpoint) {
      const { ports } = yield* found(folderOf(spec.id))
      const port = ports[endpoint]
      if (port === undefined) {
        const detail = `the server ${spec.id} has no port for "${endpoint}" yet; start it first`
        return yield* Effect.fail(fail(new HostFailed({ action: "tell an address", detail, isRetryable: false })))
      }
      return { host: loopback, port }
    }),

    administration: (engine) => engine.administration
  }
  return runtime
})

export interface LocalOptions {
  /** Default: `local`. */
  readonly name?: string
  /**
   * Folder in which templates of data folders are kept, for several data directories to share; it must be within reach
   * of the servers' user. Default: inside the data directory.
   */
  readonly templates?: string
}

/** This machine as a host. */
export const local = (options: LocalOptions = {}): Host => ({
  name: options.name ?? "local",
  kind: "local",
  open: ({ folder }) => make(folder, options)
})
