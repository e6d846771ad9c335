/** File system calls whose failures are `RuntimeError`s. */
import { open, rename } from "node:fs/promises"
import { Effect } from "effect"
import { DiskFull, fail, HostFailed, type RuntimeError } from "../RuntimeError.ts"

const isFull = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT")

/** `action` finishes the sentence "The host could not …". */
export const onDisk = <A>(action: string, path: string, run: () => Promise<A>): Effect.Effect<A, RuntimeError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      isFull(cause)
        ? fail(new DiskFull({ folder: path }))
        : fail(new HostFailed({ action, detail: `${path}: ${String(cause)}`, isRetryable: false }))
  })

/** Replaces a file so that a reader, or a crash, meets the old or the new text and nothing between. */
export const writeWhole = (path: string, text: string, mode = 0o600): Effect.Effect<void, RuntimeError> =>
  onDisk("write a file", path, async () => {
    const half = `${path}.half`
    const file = await open(half, "w", mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(half, path)
  })
