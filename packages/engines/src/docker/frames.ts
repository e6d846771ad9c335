/**
 * The Docker Engine's form of a container's output: frames of an 8 byte header (the stream, three zeros, the length)
 * and their content. Lines may be cut anywhere.
 */

/** Standard output is 1, standard error 2. */
type Kind = number

/** Whole lines without their line feed, in the order in which they were ended. */
export async function* lines(chunks: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  let held = Buffer.alloc(0)
  const open = new Map<Kind, string>()
  for await (const chunk of chunks) {
    held = Buffer.concat([held, typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk])
    while (held.length >= 8) {
      const length = held.readUInt32BE(4)
      if (held.length < 8 + length) break
      const kind = held.readUInt8(0)
      const parts = ((open.get(kind) ?? "") + held.toString("utf8", 8, 8 + length)).split("\n")
      held = held.subarray(8 + length)
      open.set(kind, parts.pop() ?? "")
      yield* parts
    }
  }
  for (const rest of open.values()) if (rest !== "") yield rest
}
