/** The Docker Engine's report of a pull: JSON lines, one for each change of a layer. */
import { Effect, Schema, Stream } from "effect"

const Line = Schema.fromJsonString(
  Schema.Struct({
    status: Schema.optionalKey(Schema.String),
    id: Schema.optionalKey(Schema.String),
    error: Schema.optionalKey(Schema.String)
  })
)
const decode = Schema.decodeUnknownOption(Line)

export interface PullFailed {
  readonly detail: string
  readonly isRetryable: boolean
}

/** What a registry says of an image that it will not give, however often it is asked. */
const isFinal = (detail: string): boolean =>
  /not found|denied|unauthorized|manifest unknown|invalid reference/i.test(detail)

/** A sentence for each layer that is there, with how many are still to come. */
export const layerLines = (answer: NodeJS.ReadableStream): Stream.Stream<string, PullFailed> => {
  const known = new Set<string>()
  const whole = new Set<string>()
  const report = (text: string): Effect.Effect<ReadonlyArray<string>, PullFailed> => {
    const decoded = decode(text)
    if (decoded._tag === "None") return Effect.succeed([])
    const { status, id, error } = decoded.value
    if (error !== undefined) return Effect.fail({ detail: error, isRetryable: !isFinal(error) })
    if (id === undefined || status === undefined) return Effect.succeed([])
    if (/^(Pulling fs layer|Waiting|Already exists)$/.test(status)) known.add(id)
    if (!/^(Pull complete|Already exists)$/.test(status) || whole.has(id)) return Effect.succeed([])
    whole.add(id)
    return Effect.succeed([`Layer ${id}: ${status.toLowerCase()} (${whole.size} of ${known.size})`])
  }
  return Stream.fromAsyncIterable<string | Uint8Array, PullFailed>(answer, (cause) => ({
    detail: cause instanceof Error ? cause.message : String(cause),
    isRetryable: true
  })).pipe(
    Stream.map((chunk) => (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"))),
    Stream.splitLines,
    Stream.mapEffect(report),
    Stream.flatMap(Stream.fromIterable)
  )
}
