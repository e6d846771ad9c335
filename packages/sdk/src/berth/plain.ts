/** Values as a caller without Effect wants them: what is `Redacted` there is plain text here. */
import { Redacted } from "effect"

export type Plain<A> =
  A extends Redacted.Redacted<infer B>
    ? B
    : A extends Date
      ? A
      : A extends ReadonlyArray<infer B>
        ? ReadonlyArray<Plain<B>>
        : A extends object
          ? { readonly [K in keyof A]: Plain<A[K]> }
          : A

const plainUnknown = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Array.isArray(value)) return value.map(plainUnknown)
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Error) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainUnknown(inner)]))
}

export const plain = <A>(value: A): Plain<A> => plainUnknown(value) as Plain<A>
