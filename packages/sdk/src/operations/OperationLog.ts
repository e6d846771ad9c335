/** What an operation wrote while it ran: its steps, its changes of status and its log, in the store and as news. */
import { Clock, Context, Effect, Layer, PubSub, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { inStore, type StoreFailed } from "../store/StoreError.ts"
import { isEnded, type OperationLine } from "./Operation.ts"

interface LineRow {
  readonly seq: number
  readonly at: number
  readonly kind: OperationLine["kind"]
  readonly step: string | null
  readonly text: string
}

const toLine = (row: LineRow): OperationLine => ({
  seq: row.seq,
  at: new Date(row.at),
  kind: row.kind,
  step: row.step ?? undefined,
  text: row.text
})

export interface NewLine {
  readonly kind: OperationLine["kind"]
  readonly step?: string
  readonly text: string
}

const isLast = (line: OperationLine) => line.kind === "status" && isEnded(line.text)

export class OperationLog extends Context.Service<
  OperationLog,
  {
    readonly append: (operation: string, line: NewLine) => Effect.Effect<void, StoreFailed>
    readonly lines: (operation: string) => Effect.Effect<ReadonlyArray<OperationLine>, StoreFailed>
    /** What was written so far and what is added, until the operation ends. Can be joined late. */
    readonly follow: (operation: string) => Stream.Stream<OperationLine, StoreFailed>
  }
>()("@berth/sdk/OperationLog") {
  static readonly layer: Layer.Layer<OperationLog, never, SqlClient.SqlClient> = Layer.effect(
    OperationLog,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const news = yield* PubSub.unbounded<{ readonly operation: string; readonly line: OperationLine }>()

      const lines = (operation: string) =>
        inStore(
          sql<LineRow>`SELECT seq, at, kind, step, text FROM operation_lines
            WHERE operation_id = ${operation} ORDER BY seq`
        ).pipe(Effect.map((rows) => rows.map(toLine)))

      return OperationLog.of({
        append: Effect.fnUntraced(function* (operation, { kind, step, text }) {
          const at = yield* Clock.currentTimeMillis
          const [row] = yield* inStore(
            sql<{ readonly seq: number }>`
              INSERT INTO operation_lines (operation_id, seq, at, kind, step, text)
              SELECT ${operation}, COALESCE(MAX(seq), 0) + 1, ${at}, ${kind}, ${step ?? null}, ${text}
              FROM operation_lines WHERE operation_id = ${operation}
              RETURNING seq`
          )
          const line = toLine({ seq: row?.seq ?? 0, at, kind, step: step ?? null, text })
          yield* PubSub.publish(news, { operation, line })
        }),
        lines,
        follow: (operation) =>
          Stream.unwrap(
            Effect.gen(function* () {
              // Subscribed before the past is read: a line written in between comes twice and is dropped once.
              const subscription = yield* PubSub.subscribe(news)
              const past = yield* lines(operation)
              const seen = past.at(-1)?.seq ?? 0
              if (past.some(isLast)) return Stream.fromIterable(past)
              const live = Stream.fromSubscription(subscription).pipe(
                Stream.filter((item) => item.operation === operation && item.line.seq > seen),
                Stream.map((item) => item.line),
                Stream.takeUntil(isLast)
              )
              return Stream.concat(Stream.fromIterable(past), live)
            })
          )
      })
    })
  )
}
