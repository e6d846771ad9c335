import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as LogFile from "../../src/local/LogFile.ts"

const temporaryLog = Effect.acquireRelease(
  Effect.sync(() => join(mkdtempSync(join(tmpdir(), "berth-log-")), "server.log")),
  (log) => Effect.sync(() => rmSync(join(log, ".."), { recursive: true }))
)

const texts = (log: string, options: Parameters<typeof LogFile.lines>[1] = {}) =>
  Stream.runCollect(LogFile.lines(log, options)).pipe(Effect.map((lines) => lines.map(({ text }) => text)))

const at = (second: number, text: string) => `2026-01-01 10:00:0${second}.000 UTC [1] LOG:  ${text}\n`

describe("a server's log", () => {
  it.live("is empty while there is no file", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* texts(yield* temporaryLog), [])
    }).pipe(Effect.scoped)
  )

  it.live("gives a line without a moment the moment of the line before", () =>
    Effect.gen(function* () {
      const log = yield* temporaryLog
      writeFileSync(log, `${at(1, "ERROR")}\tDETAIL: more\n${at(2, "next")}`)
      const lines = yield* Stream.runCollect(LogFile.lines(log, {}))
      assert.deepEqual(
        lines.map((line) => line.at.toISOString()),
        ["2026-01-01T10:00:01.000Z", "2026-01-01T10:00:01.000Z", "2026-01-01T10:00:02.000Z"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("is cut down at ten megabytes, and what was written stays readable in order", () =>
    Effect.gen(function* () {
      const log = yield* temporaryLog
      writeFileSync(log, `${`${"x".repeat(99)}\n`.repeat(104_857)}${"y".repeat(40)}\n`)
      yield* LogFile.rotate(log)
      assert.isFalse(existsSync(`${log}.1`))
      appendFileSync(log, `${at(1, "last of the old")}`)
      yield* LogFile.rotate(log)
      assert.strictEqual(statSync(log).size, 0)
      appendFileSync(log, at(2, "first of the new"))
      const last = yield* texts(log, { tail: 2 })
      assert.deepEqual(last, [at(1, "last of the old").trim(), at(2, "first of the new").trim()])
      assert.deepEqual(yield* texts(log, { since: new Date("2026-01-01T10:00:02Z") }), [last[1]])
    }).pipe(Effect.scoped)
  )

  it.live("is followed across a rotation", () =>
    Effect.gen(function* () {
      const log = yield* temporaryLog
      writeFileSync(log, at(1, "one"))
      const follower = yield* LogFile.lines(log, { follow: true }).pipe(
        Stream.take(3),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* Effect.sleep("300 millis")
      appendFileSync(log, at(2, "two"))
      yield* Effect.sleep("300 millis")
      writeFileSync(log, at(3, "three"))
      const lines = yield* Fiber.join(follower).pipe(Effect.timeout("5 seconds"))
      assert.deepEqual(
        lines.map(({ text }) => text.slice(-5).trim()),
        ["one", "two", "three"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("hands on a line that is longer than a chunk", () =>
    Effect.gen(function* () {
      const log = yield* temporaryLog
      writeFileSync(log, `${"y".repeat(200_000)}\nend\n`)
      const all = yield* texts(log)
      assert.strictEqual(all.slice(0, -1).join("").length, 200_000)
      assert.strictEqual(all.at(-1), "end")
    }).pipe(Effect.scoped)
  )
})
