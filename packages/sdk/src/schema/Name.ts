/** Names that people give: apps, environments, databases. */
import { Schema } from "effect"

/** 2 to 40 characters: a to z, 0 to 9 and hyphens, beginning with a letter and not ending with a hyphen. */
export const Name = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(/^[a-z][a-z0-9-]{0,38}[a-z0-9]$/, {
      message: "must be 2 to 40 characters of a-z, 0-9 and hyphens, begin with a letter and not end with a hyphen"
    })
  )
)

/** Who asked for an operation; what a person or a program calls itself, up to 200 characters. */
export const Initiator = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(/^[^\p{Cc}]{1,200}$/u, { message: "must be 1 to 200 characters without control characters" })
  )
)

/** The commit that a deployment belongs to: a hash or a name, up to 200 characters. */
export const Commit = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^[^\s\p{Cc}]{1,200}$/u, { message: "must be 1 to 200 characters without spaces" }))
)
