import { assert, describe, it } from "@effect/vitest"
import { actions, type Observed, type Standing } from "../src/databases/actions.ts"
import type { Phase } from "../src/databases/Database.ts"
import { statusOf } from "../src/databases/status.ts"

const standing = (phase: Phase, observed: Observed = "unknown", active?: Standing["active"]): Standing => ({
  database: { name: "orders", phase },
  active,
  observed
})

const allowed = (at: Standing) => actions(at).flatMap((action) => (action.allowed ? [action.verb] : []))

describe("the verbs that a database takes", () => {
  it.each([
    ["created", "unknown", ["deploy", "delete"]],
    ["failed", "unknown", ["deploy", "delete"]],
    ["running", "up", ["restart", "stop", "delete"]],
    ["running", "unknown", ["restart", "stop", "delete"]],
    ["running", "down", ["start", "restart", "stop", "delete"]],
    ["stopped", "down", ["start", "delete"]]
  ] as const)("while it is %s and its server %s", (phase, observed, verbs) => {
    assert.deepEqual(allowed(standing(phase, observed)), [...verbs])
  })

  it("are none while an operation runs, and the reason names it", () => {
    const at = standing("running", "up", { id: "op_1", verb: "restart" })
    assert.deepEqual(allowed(at), [])
    for (const { reason } of actions(at)) assert.match(reason ?? "", /restart is running \(op_1\)/)
  })
})

describe("the status of a database", () => {
  const ended = { _tag: "Ended", ending: { how: "killed by SIGKILL", lastLines: ["LOG: bye"] } } as const

  it("is the running verb's own word, whatever the host says", () => {
    assert.strictEqual(statusOf({ phase: "running" }, { verb: "stop" }, ended, undefined).status, "stopping")
  })

  it("is crashed with the reason when it is meant to run and does not", () => {
    const { reason, status } = statusOf({ phase: "running" }, undefined, ended, undefined)
    assert.strictEqual(status, "crashed")
    assert.strictEqual(reason, "its server ended: killed by SIGKILL. Its last line: LOG: bye")
  })

  it("tells a host that does not answer from a server that does not run", () => {
    const away = { _tag: "Unreachable", why: "no answer" } as const
    assert.strictEqual(statusOf({ phase: "running" }, undefined, away, undefined).status, "unreachable")
    assert.strictEqual(statusOf({ phase: "stopped" }, undefined, ended, undefined).status, "stopped")
  })
})
