/** What the suites share: folders that go away, and waiting that ends. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Berth, OperationLine } from "@berth/sdk"
import { onTestFinished } from "vitest"

/** A fresh folder that is removed with the test. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "berth-test-"))
  // Open to pass through, as most folders of data are: as root the servers then stay below it.
  chmodSync(folder, 0o711)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Asks again every 20 ms until the answer is truthy, and fails with what it waited for after `millis`. */
export const eventually = async <A>(what: string, ask: () => Promise<A>, millis = 10_000): Promise<A> => {
  const end = Date.now() + millis
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`waited ${millis} ms for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export const collect = async <A>(items: AsyncIterable<A>): Promise<Array<A>> => {
  const all: Array<A> = []
  for await (const item of items) all.push(item)
  return all
}

/** The names of an operation's steps, in their order. */
export const stepsOf = (lines: ReadonlyArray<OperationLine>): Array<string> =>
  lines.flatMap((line) => (line.kind === "step" && line.step !== undefined ? [line.step] : []))

/** A rejection as its value, and a failure of the test when there is none. */
export const rejection = async (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> => {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error("it should have been refused")
}

/** An app with its production environment. */
export const shop = async (berth: Berth): Promise<{ readonly app: string; readonly environment: string }> => {
  await berth.apps.create({ name: "shop" })
  await berth.environments.create({ app: "shop", name: "production" })
  return { app: "shop", environment: "production" }
}
