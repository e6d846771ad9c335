/**
 * The log of one server: a file that the server's process appends to, kept small by copying it away and cutting it
 * down to nothing. The process keeps its file open, so the file cannot be renamed away under it; what it writes in the
 * microseconds between the copy and the cut is lost.
 */
import { copyFile, open, rename, stat, truncate } from "node:fs/promises"
import { Effect, Option, Stream } from "effect"
import type { LogLine, LogOptions } from "../Runtime.ts"
import type { RuntimeError } from "../RuntimeError.ts"
import { onDisk } from "./disk.ts"
import { lastLines } from "./run.ts"

const rotateAtBytes = 10 * 1024 * 1024
const keptFiles = 3
const chunkBytes = 64 * 1024
const followEvery = "200 millis"

const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => 0
  )

/** Moves `log` to `log.1`, `log.1` to `log.2` and so on when it has grown beyond 10 MiB; three are kept. */
export const rotate = (log: string): Effect.Effect<void, RuntimeError> =>
  onDisk("rotate a log", log, async () => {
    if ((await sizeOf(log)) < rotateAtBytes) return
    for (let number = keptFiles - 1; number >= 1; number--) {
      await rename(`${log}.${number}`, `${log}.${number + 1}`).catch(() => {})
    }
    await copyFile(log, `${log}.1`)
    await truncate(log)
  })

/** Reads from `from(size)`, at most `limit` bytes and whole lines only. A file that is not there is empty. */
const readFrom = (log: string, from: (size: number) => number, limit: number) =>
  onDisk("read a log", log, async () => {
    const size = await sizeOf(log)
    // Smaller than before: it was rotated, and what is there is new.
    const start = from(size) > size ? 0 : from(size)
    const length = Math.min(size - start, limit)
    if (length === 0) return { text: "", end: start }
    const file = await open(log, "r")
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, start)
      // A line that is longer than a chunk is handed on in parts.
      const newline = buffer.lastIndexOf(0x0a, bytesRead - 1) + 1
      const whole = newline === 0 && bytesRead === limit ? bytesRead : newline
      return { text: buffer.toString("utf8", 0, whole), end: start + whole }
    } finally {
      await file.close()
    }
  })

/** The last few lines of a log, for an error. */
export const lastLinesOf = (log: string): Effect.Effect<ReadonlyArray<string>> =>
  readFrom(log, (size) => Math.max(0, size - 4_096), 4_096).pipe(
    Effect.map(({ text }) => lastLines(text)),
    Effect.orElseSucceed(() => [])
  )

const stamp = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?)/

/** Servers write the moment in UTC first (they run with `TZ=UTC`); a line without one belongs to the line before it. */
const dated = (at: Date, text: string): LogLine => {
  const found = stamp.exec(text)
  return { at: found === null ? at : new Date(`${found[1]}T${found[2]}Z`), text }
}

const linesOf = (text: string, at: Date): ReadonlyArray<LogLine> => {
  const lines: Array<LogLine> = []
  for (const line of text.split("\n")) {
    if (line !== "") lines.push(dated(lines.at(-1)?.at ?? at, line))
  }
  return lines
}

interface Position {
  /** 0 is the file that is written to, 1 the one before it, and so on. */
  readonly file: number
  readonly offset: number
  readonly at: Date
}

/** What is kept, oldest first, and then, if asked, what is added to it. */
const read = (log: string, follow: boolean): Stream.Stream<LogLine, RuntimeError> =>
  Stream.paginate<Position, LogLine, RuntimeError>({ file: keptFiles, offset: 0, at: new Date(0) }, (position) =>
    readFrom(position.file === 0 ? log : `${log}.${position.file}`, () => position.offset, chunkBytes).pipe(
      Effect.flatMap(({ text, end }) => {
        const lines = linesOf(text, position.at)
        const next = { ...position, offset: end, at: lines.at(-1)?.at ?? position.at }
        if (lines.length > 0) return Effect.succeed([lines, Option.some(next)] as const)
        if (position.file > 0) {
          return Effect.succeed([lines, Option.some({ ...next, file: position.file - 1, offset: 0 })] as const)
        }
        return follow
          ? Effect.delay(Effect.succeed([lines, Option.some(next)] as const), followEvery)
          : Effect.succeed([lines, Option.none()] as const)
      })
    )
  )

export const lines = (log: string, options: LogOptions): Stream.Stream<LogLine, RuntimeError> => {
  const since = options.since
  const wanted = (follow: boolean) =>
    since === undefined ? read(log, follow) : Stream.filter(read(log, follow), (line) => line.at >= since)
  const tail = options.tail
  if (tail === undefined) return wanted(options.follow === true)
  return Stream.unwrap(
    Stream.runCount(wanted(false)).pipe(
      Effect.map((count) => Stream.drop(wanted(options.follow === true), Math.max(0, count - tail)))
    )
  )
}
