/**
 * What an operation wrote while it ran: its steps, its changes of status and its log, in the store and as news. Lines
 * are written by one fiber, all that have gathered in one transaction, so a process that is killed loses the lines of
 * its last moments and nothing else.
 */
import { Array as Arr, Clock, Context, Deferred, Effect, Layer, PubSub, Queue, Stream } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { patience } from "../store/patience.ts"
import { inStore, type StoreFailed } from "../store/StoreError.ts"
import { isEnded, type OperationLine, type OperationStatus } from "./Operation.ts"

type LineRow = {
  readonly operation_id: string
  readonly seq: number
  readonly at: number
  readonly kind: OperationLine["kind"]
  readonly step: string | null
  readonly text: string
}

type Unnumbered = Omit<LineRow, "seq">

/** A line to be written, or somebody who waits until all lines before are. */
type Waiting = { readonly line: Unnumbered } | { readonly flushed: Deferred.Deferred<void> }

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

const isLast = (line: Pick<OperationLine, "kind" | "text">) => line.kind === "status" && isEnded(line.text)

/** SQLite takes 32,766 parameters in a statement; six a line leave room. */
const linesInOneWrite = 500

/** A full disk passes; a line that the tables do not take never will. */
const isPassing = (error: SqlError.SqlError): boolean =>
  error.reason._tag !== "UniqueViolation" && error.reason._tag !== "ConstraintError"

export class OperationLog extends Context.Service<
  OperationLog,
  {
    /** Answers before the line is in the store. */
    readonly append: (operation: string, line: NewLine) => Effect.Effect<void>
    /** The last line, after all others and in one transaction with `also`: who sees the end sees all of the log. */
    readonly end: (
      operation: string,
      status: OperationStatus,
      also: Effect.Effect<unknown, SqlError.SqlError | StoreFailed>
    ) => Effect.Effect<void, StoreFailed>
    readonly lines: (operation: string) => Effect.Effect<ReadonlyArray<OperationLine>, StoreFailed>
    /** What was written so far and what is added, until the operation ends. Can be joined late. */
    readonly follow: (operation: string) => Stream.Stream<OperationLine, StoreFailed>
  }
>()("@berth/sdk/OperationLog") {
  static readonly layer: Layer.Layer<OperationLog, never, SqlClient.SqlClient> = Layer.effect(
    OperationLog,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const news = yield* PubSub.unbounded<LineRow>()
      const waiting = yield* Queue.unbounded<Waiting>()
      /** The last number given to a line of each operation that this process runs. */
      const counted = new Map<string, number>()

      const lastSeq = Effect.fnUntraced(function* (operation: string) {
        const known = counted.get(operation)
        if (known !== undefined) return known
        const [row] = yield* sql<{ readonly last: number | null }>`
          SELECT MAX(seq) AS last FROM operation_lines WHERE operation_id = ${operation}`
        return row?.last ?? 0
      })

      const numbered = Effect.fnUntraced(function* (lines: ReadonlyArray<Unnumbered>) {
        const last = new Map<string, number>()
        const rows: Array<LineRow> = []
        for (const line of lines) {
          const seq = (last.get(line.operation_id) ?? (yield* lastSeq(line.operation_id))) + 1
          last.set(line.operation_id, seq)
          rows.push({ ...line, seq })
        }
        return { last, rows }
      })

      const insert = Effect.fnUntraced(function* (lines: ReadonlyArray<Unnumbered>) {
        const numbers = yield* numbered(lines)
        yield* Effect.forEach(
          Arr.chunksOf(numbers.rows, linesInOneWrite),
          (part) => sql`INSERT INTO operation_lines ${sql.insert(part)}`,
          { discard: true }
        )
        return numbers
      })

      const tell = ({ last, rows }: Effect.Success<ReturnType<typeof insert>>) => {
        for (const [operation, seq] of last) counted.set(operation, seq)
        for (const row of rows) if (isLast(row)) counted.delete(row.operation_id)
        return Effect.asVoid(PubSub.publishAll(news, rows))
      }

      /** All or nothing, so that it can be tried again. */
      const write = (lines: ReadonlyArray<Unnumbered>) => insert(lines).pipe(sql.withTransaction, Effect.flatMap(tell))

      yield* Queue.takeAll(waiting).pipe(
        Effect.flatMap((all) =>
          Effect.gen(function* () {
            yield* write(all.flatMap((one) => ("line" in one ? [one.line] : []))).pipe(
              Effect.retry({ schedule: patience, while: isPassing }),
              Effect.catch((error) => Effect.logError("Lines of operations could not be written", error))
            )
            for (const one of all) if ("flushed" in one) yield* Deferred.succeed(one.flushed, undefined)
          })
        ),
        Effect.forever,
        Effect.forkScoped
      )

      const lines = (operation: string) =>
        inStore(sql<LineRow>`SELECT * FROM operation_lines WHERE operation_id = ${operation} ORDER BY seq`).pipe(
          Effect.map((rows) => rows.map(toLine))
        )

      return OperationLog.of({
        append: Effect.fnUntraced(function* (operation_id, { kind, step, text }) {
          const at = yield* Clock.currentTimeMillis
          yield* Queue.offer(waiting, { line: { operation_id, at, kind, step: step ?? null, text } })
        }),
        end: Effect.fnUntraced(function* (operation_id, status, also) {
          const flushed = Deferred.makeUnsafe<void>()
          yield* Effect.andThen(Queue.offer(waiting, { flushed }), Deferred.await(flushed))
          const at = yield* Clock.currentTimeMillis
          const line: Unnumbered = { operation_id, at, kind: "status", step: null, text: status }
          const numbers = yield* Effect.andThen(also, insert([line])).pipe(sql.withTransaction, inStore)
          yield* tell(numbers)
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
                Stream.filter((row) => row.operation_id === operation && row.seq > seen),
                Stream.map(toLine),
                Stream.takeUntil(isLast)
              )
              return Stream.concat(Stream.fromIterable(past), live)
            })
          )
      })
    })
  )
}
