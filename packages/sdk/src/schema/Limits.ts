import { Schema } from "effect"

const mebibyte = 1024 * 1024

/** What one server may use of its host; left out, as much as there is. A runtime that cannot limit leaves it alone. */
export const Limits = Schema.Struct({
  /** Processors, in fractions: 0.05 to 1,024. */
  cpus: Schema.optionalKey(
    Schema.Number.pipe(
      Schema.check(Schema.isBetween({ minimum: 0.05, maximum: 1_024 }, { message: "must be 0.05 to 1024 processors" }))
    )
  ),
  /** Bytes of memory: 64 MiB to 16 TiB. */
  memoryBytes: Schema.optionalKey(
    Schema.Int.pipe(
      Schema.check(
        Schema.isBetween(
          { minimum: 64 * mebibyte, maximum: 16 * 1024 * 1024 * mebibyte },
          { message: "must be 64 MiB to 16 TiB, in bytes" }
        )
      )
    )
  )
})
