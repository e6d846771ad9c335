import { Schedule } from "effect"

/**
 * How long a write that must not be lost is tried again while the store cannot take it: at first at once, then every
 * second, for an hour. A full disk is mended by a person, and that takes a while.
 */
export const patience = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("1 second")]).pipe(
  Schedule.upTo({ duration: "1 hour" })
)
