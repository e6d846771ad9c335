/** The places that databases of this Berth run on. */
import type { Host, Runtime, RuntimeError } from "@berth/engines"
import { Context, Effect, Layer, Schema } from "effect"
import { DataDir } from "../store/DataDir.ts"

/** An environment is on a host that this Berth was not opened with. */
export class HostUnknown extends Schema.TaggedError<HostUnknown>()("HostUnknown", {
  host: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  readonly code = "HOST_UNKNOWN"
  override get message(): string {
    return `There is no host "${this.host}" here (only ${this.known.join(", ")}). Open Berth with that host, or use another environment.`
  }
}

export class Hosts extends Context.Service<
  Hosts,
  {
    /** Where new environments are put. */
    readonly defaultHost: string
    readonly runtime: (host: string) => Effect.Effect<Runtime, HostUnknown>
    readonly all: ReadonlyMap<string, Runtime>
  }
>()("@berth/sdk/Hosts") {
  /** Opens every host; the first is the default one. */
  static readonly layer = (hosts: readonly [Host, ...ReadonlyArray<Host>]): Layer.Layer<Hosts, RuntimeError, DataDir> =>
    Layer.effect(
      Hosts,
      Effect.gen(function* () {
        const { hostFolder } = yield* DataDir
        const all = new Map<string, Runtime>()
        for (const host of hosts) all.set(host.name, yield* host.open({ folder: hostFolder(host.name) }))
        return Hosts.of({
          defaultHost: hosts[0].name,
          all,
          runtime: (host) =>
            Effect.suspend(() => {
              const runtime = all.get(host)
              return runtime === undefined
                ? Effect.fail(new HostUnknown({ host, known: [...all.keys()] }))
                : Effect.succeed(runtime)
            })
        })
      })
    )
}
