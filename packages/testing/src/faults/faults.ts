/**
 * A plan of what goes wrong in operations: which step fails, is slow, or is the last thing that the process does. Steps
 * are named by their verb and their own name, `deploy.create`, or by their own name alone for every verb.
 */
import { type Faults, StepFailed, type StepPoint } from "@berth/sdk"
import { type Duration, Effect } from "effect"

type Fault = (point: StepPoint) => Effect.Effect<void, StepFailed> | undefined

const matches = (step: string, point: StepPoint): boolean =>
  step === point.step || step === `${point.verb}.${point.step}`

/** The step fails after its work, as if the proof of the work had failed. */
export const failAt =
  (step: string, message = `the fault plan says that "${step}" fails`): Fault =>
  (point) =>
    point.moment === "after" && matches(step, point)
      ? Effect.fail(
          new StepFailed({ failure: { step: point.step, category: "internal", code: "FAULT_PLANNED", message } })
        )
      : undefined

/** The process is killed with SIGKILL after the step's work and before anything remembers that it was done. */
export const crashAfter =
  (step: string): Fault =>
  (point) =>
    point.moment === "after" && matches(step, point) ? kill : undefined

/** The process is killed with SIGKILL after the step was written down as begun and before its work. */
export const crashBefore =
  (step: string): Fault =>
  (point) =>
    point.moment === "before" && matches(step, point) ? kill : undefined

const kill = Effect.suspend(() => {
  process.kill(process.pid, "SIGKILL")
  return Effect.never
})

/** The step waits before its work, on the clock of the test if there is one. */
export const slow =
  (step: string, duration: Duration.Input): Fault =>
  (point) =>
    point.moment === "before" && matches(step, point) ? Effect.sleep(duration) : undefined

/** All of them, in this order. The result is what `Berth.open` and the layer take. */
export const faults =
  (...plan: ReadonlyArray<Fault>): (typeof Faults)["Service"] =>
  (point) =>
    Effect.forEach(plan, (fault) => fault(point) ?? Effect.void, { discard: true })
