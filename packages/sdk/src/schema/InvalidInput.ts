/** Everything that enters is decoded here, and what does not fit is told by field, problem and example. */
import { Effect, Schema, SchemaIssue } from "effect"

/** One field of what was passed in does not fit; nothing was changed. */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  /** Path of the field, such as `name`; empty when the whole is not what it should be. */
  field: Schema.String,
  problem: Schema.String,
  example: Schema.String
}) {
  readonly code = "INVALID_INPUT"
  override get message(): string {
    const field = this.field === "" ? "The input" : `"${this.field}"`
    return `${field} ${this.problem}. Example: ${this.example}`
  }
}

const standard = SchemaIssue.makeFormatterStandardSchemaV1()

/** Makes a decoder whose errors name the first field that does not fit. `examples` are by field, and for the whole. */
export const decoder = <S extends Schema.Codec<unknown, unknown>>(
  schema: S,
  examples: Readonly<Record<string, string>>
) => {
  const decode = Schema.decodeUnknownEffect(schema, { onExcessProperty: "error" })
  return (input: unknown): Effect.Effect<S["Type"], InvalidInput> =>
    decode(input).pipe(
      Effect.mapError((error) => {
        const [first] = standard(error.issue).issues
        const field = (first?.path ?? [])
          .map((part) => (typeof part === "object" ? String(part.key) : String(part)))
          .join(".")
        return new InvalidInput({
          field,
          problem: first === undefined ? "does not fit" : sentence(first.message),
          example: examples[field] ?? examples[""] ?? ""
        })
      })
    )
}

/** The schemas' messages are verb phrases; what the library itself says is made one. */
const sentence = (message: string): string => (/^(must|is|has)\b/.test(message) ? message : `is not right: ${message}`)
