/**
 * What happens, as it happens. Nothing is kept: a subscriber hears what comes after it subscribed, and one that falls
 * behind by more than the buffer loses the oldest.
 */
import { Context, Effect, Layer, PubSub, Stream } from "effect"
import type { OperationStatus, Verb } from "../operations/Operation.ts"

export type Event =
  | { readonly type: "database.created" | "database.deleted"; readonly database: string; readonly name: string }
  /** An operation was asked for, began or came to its end. */
  | {
      readonly type: "operation"
      readonly operation: string
      readonly database: string
      readonly verb: Verb
      readonly status: OperationStatus
    }
  /** A server was found to run, or not to run any more, without an operation. */
  | { readonly type: "status"; readonly database: string; readonly status: string; readonly reason: string | undefined }

const buffered = 4_096

export class Events extends Context.Service<
  Events,
  {
    readonly publish: (event: Event) => Effect.Effect<void>
    readonly subscribe: Stream.Stream<Event & { readonly at: Date }>
  }
>()("@berth/sdk/Events") {
  static readonly layer: Layer.Layer<Events> = Layer.effect(
    Events,
    Effect.gen(function* () {
      const hub = yield* PubSub.sliding<Event & { readonly at: Date }>(buffered)
      return Events.of({
        publish: (event) =>
          Effect.clockWith((clock) =>
            PubSub.publish(hub, { ...event, at: new Date(clock.currentTimeMillisUnsafe()) })
          ).pipe(Effect.asVoid),
        subscribe: Stream.fromPubSub(hub)
      })
    })
  )
}
