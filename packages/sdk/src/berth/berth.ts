/** Berth for callers without Effect: the services under the same names, as promises and async iterables. */
import type { Engine, Host, Leftover, LogLine, LogOptions } from "@berth/engines"
import { Context, Deferred, Effect, ManagedRuntime, Redacted, Schema, Stream } from "effect"
import { Apps, type CreateApp } from "../apps/apps.ts"
import { Credentials } from "../credentials/credentials.ts"
import type { ActivityOptions } from "../databases/activity.ts"
import { type CreateDatabase, Databases } from "../databases/databases.ts"
import { type Deployment, Deployments } from "../deployments/deployments.ts"
import { type CreateEnvironment, type EnvironmentRef, Environments } from "../environments/environments.ts"
import { Events } from "../events/events.ts"
import { type CheckHost, HostCare, type HostRef } from "../hosts/hostCare.ts"
import type { Operation, OperationLine, Verb } from "../operations/Operation.ts"
import { Operations } from "../operations/operations.ts"
import type { AnyOptions, DeleteOptions, DeployOptions, VerbOptions } from "../verbs/requests.ts"
import { layer, type OpenError, type Options, type Services } from "./layer.ts"
import { plain } from "./plain.ts"

export interface OpenOptions {
  /** Folder for everything of this Berth: state, keys, data. Made when it is missing. Default: `.berth`. */
  readonly dataDir?: string
  /**
   * Where databases run: `local`, processes of this machine (the default), `docker`, containers of the Docker Engine
   * that `DOCKER_HOST` or the local socket leads to, or a host of your own making.
   */
  readonly host?: "local" | "docker" | Host
  /** Engines of your own, besides Berth's. */
  readonly engines?: ReadonlyArray<Engine.Engine>
  /** Keys that seal secrets, each 32 bytes in base 64. Default: drawn once and kept in the data directory. */
  readonly keys?: { readonly primary: string; readonly keys: Readonly<Record<string, string>> }
  /** Time between two looks at the hosts, in milliseconds or as in `"2 seconds"`, the default. */
  readonly lookEvery?: Options["lookEvery"]
  /** Time between two health checks of one database, in milliseconds or as in `"30 seconds"`, the default. */
  readonly probeEvery?: Options["probeEvery"]
  /** For tests: what goes wrong in operations. `@berth/testing` makes such plans. */
  readonly faults?: Options["faults"]
}

/** Answers with the operation's id at once instead of waiting for its end. */
export interface NoWait {
  readonly wait: false
}

const openHost = async (host: NonNullable<OpenOptions["host"]>): Promise<Host> => {
  if (host === "local") return (await import("@berth/engines/local")).local()
  if (host === "docker") return (await import("@berth/engines/docker")).docker()
  return host
}

const sealed = (keys: NonNullable<OpenOptions["keys"]>) => ({
  primary: keys.primary,
  keys: Object.fromEntries(Object.entries(keys.keys).map(([id, key]) => [id, Redacted.make(key)]))
})

/** The call came after `close`, or was waiting when it came. */
export class BerthClosed extends Schema.TaggedError<BerthClosed>()("BerthClosed", {}) {
  readonly code = "BERTH_CLOSED"
  override get message(): string {
    return "This Berth was closed. Operations go on when the data directory is opened again; open it and call again."
  }
}

export class Berth implements AsyncDisposable {
  readonly #runtime: ManagedRuntime.ManagedRuntime<Services, OpenError>
  readonly #services: Context.Context<Services>
  readonly #closed = Deferred.makeUnsafe<void>()
  #isClosed = false

  private constructor(
    runtime: ManagedRuntime.ManagedRuntime<Services, OpenError>,
    services: Context.Context<Services>
  ) {
    this.#runtime = runtime
    this.#services = services
  }

  /** Opens the data directory, goes on with what an earlier process left behind, and watches the hosts. */
  static async open(options: OpenOptions = {}): Promise<Berth> {
    const { dataDir = ".berth", engines, faults, keys, lookEvery, probeEvery } = options
    const runtime = ManagedRuntime.make(
      layer({
        dataDir,
        hosts: [await openHost(options.host ?? "local")],
        ...(engines === undefined ? {} : { engines }),
        ...(faults === undefined ? {} : { faults }),
        ...(lookEvery === undefined ? {} : { lookEvery }),
        ...(probeEvery === undefined ? {} : { probeEvery }),
        ...(keys === undefined ? {} : { keys: sealed(keys) })
      })
    )
    try {
      return new Berth(runtime, await runtime.context())
    } catch (error) {
      await runtime.dispose()
      throw error
    }
  }

  /** Ends everything that runs in this process. Servers go on; operations go on at the next `open`. */
  async close(): Promise<void> {
    this.#isClosed = true
    Deferred.doneUnsafe(this.#closed, Effect.void)
    await this.#runtime.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #get<I extends Services, S>(key: Context.Key<I, S>): S {
    return Context.get(this.#services as Context.Context<I>, key)
  }

  readonly #run = async <A, E>(effect: Effect.Effect<A, E>) => {
    if (this.#isClosed) throw new BerthClosed()
    try {
      return plain(await this.#runtime.runPromise(effect))
    } catch (error) {
      // Closed while it waited: what it asked for goes on at the next opening.
      throw this.#isClosed && !(error instanceof Error && "code" in error) ? new BerthClosed() : error
    }
  }

  readonly #iterate = <A, E>(stream: Stream.Stream<A, E>): AsyncIterable<A> =>
    Stream.toAsyncIterable(Stream.haltWhen(stream, Deferred.await(this.#closed)))

  get apps() {
    const apps = this.#get(Apps)
    return {
      create: (input: typeof CreateApp.Encoded) => this.#run(apps.create(input)),
      list: () => this.#run(apps.list),
      get: (app: string) => this.#run(apps.get(app)),
      delete: (app: string) => this.#run(apps.delete(app))
    }
  }

  get environments() {
    const environments = this.#get(Environments)
    return {
      create: (input: typeof CreateEnvironment.Encoded) => this.#run(environments.create(input)),
      list: (filter: { readonly app: string }) => this.#run(environments.list(filter)),
      get: (ref: EnvironmentRef) => this.#run(environments.get(ref)),
      delete: (ref: EnvironmentRef) => this.#run(environments.delete(ref))
    }
  }

  get databases() {
    const databases = this.#get(Databases)
    const run = this.#run
    const verb = <Options extends VerbOptions = VerbOptions>(name: Exclude<Verb, "deploy">) => {
      function ask(id: string, options: Options & NoWait): Promise<string>
      function ask(id: string, options?: Options): Promise<Operation>
      function ask(id: string, { wait, ...options }: AnyOptions & Partial<NoWait> = {}): Promise<Operation | string> {
        return wait === false ? run(databases.ask(name, id, options)) : run(databases[name](id, options))
      }
      return ask
    }
    function deploy(id: string, options: DeployOptions & NoWait): Promise<string>
    function deploy(id: string, options?: DeployOptions): Promise<Deployment>
    function deploy(
      id: string,
      { wait, ...options }: DeployOptions & Partial<NoWait> = {}
    ): Promise<Deployment | string> {
      return wait === false ? run(databases.ask("deploy", id, options)) : run(databases.deploy(id, options))
    }
    return {
      create: (input: typeof CreateDatabase.Encoded) => run(databases.create(input)),
      list: (filter?: { readonly app?: string; readonly environment?: string }) => run(databases.list(filter)),
      get: (id: string) => run(databases.get(id)),
      overview: (id: string) => run(databases.overview(id)),
      actions: (id: string) => run(databases.actions(id)),
      activity: (id: string, options?: ActivityOptions) => run(databases.activity(id, options)),
      deploy,
      start: verb("start"),
      restart: verb("restart"),
      stop: verb("stop"),
      delete: verb<DeleteOptions>("delete"),
      /** Lines of the server's log; with `follow` until the loop is left or Berth is closed. */
      logs: (id: string, options?: LogOptions): AsyncIterable<LogLine> => this.#iterate(databases.logs(id, options))
    }
  }

  get deployments() {
    const deployments = this.#get(Deployments)
    return {
      list: (filter: { readonly database: string }) => this.#run(deployments.list(filter)),
      get: (id: string) => this.#run(deployments.get(id)),
      logs: (id: string) => this.#run(deployments.logs(id))
    }
  }

  get operations() {
    const operations = this.#get(Operations)
    return {
      list: (filter?: { readonly database?: string }) => this.#run(operations.list(filter)),
      get: (id: string) => this.#run(operations.get(id)),
      /** From the first line on, however late it is joined, until the operation ends. */
      watch: (id: string): AsyncIterable<OperationLine> => this.#iterate(operations.watch(id)),
      cancel: (id: string) => this.#run(operations.cancel(id))
    }
  }

  get credentials() {
    const credentials = this.#get(Credentials)
    return { get: (database: string) => this.#run(credentials.get(database)) }
  }

  get hosts() {
    const care = this.#get(HostCare)
    return {
      list: () => this.#run(care.list),
      /** Advice before a deployment: processors, memory and disk, with numbers and a reason each. */
      check: (input: typeof CheckHost.Encoded) => this.#run(care.check(input)),
      kept: (ref?: HostRef) => this.#run(care.kept(ref)),
      purge: (kept: string, ref?: HostRef) => this.#run(care.purge(kept, ref)),
      leftovers: (ref?: HostRef) => this.#run(care.leftovers(ref)),
      clean: (found: ReadonlyArray<Leftover>, ref?: HostRef) => this.#run(care.clean(found, ref))
    }
  }

  get events() {
    const events = this.#get(Events)
    return {
      /** What happens from now on, until the loop is left or Berth is closed. */
      subscribe: () => this.#iterate(events.subscribe)
    }
  }
}
