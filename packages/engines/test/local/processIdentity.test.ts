import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { identityOf, identityScript } from "../../src/local/processIdentity.ts"

describe("the identity of a process", () => {
  it("is the same each time, and another one for another process", async () => {
    const own = await identityOf(process.pid)
    assert.isDefined(own)
    assert.strictEqual(await identityOf(process.pid), own)
    const child = spawn("sleep", ["5"])
    await once(child, "spawn")
    assert.notStrictEqual(await identityOf(child.pid ?? 0), own)
    child.kill()
    await once(child, "exit")
    assert.isUndefined(await identityOf(child.pid ?? 0))
  })

  it("is what the shell writes of a process into its pid file", async () => {
    const printed = execFileSync("/bin/sh", ["-c", identityScript, "sh", String(process.pid)], { encoding: "utf8" })
    assert.strictEqual(printed.trim(), await identityOf(process.pid))
  })
})
