import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { chromium } from "playwright-core"
import * as Admin from "../src/admin/Admin.ts"
import { Gateway } from "../src/index.ts"
import { dial, echo, freePort, listen, readSome } from "./support/net.ts"

const browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path))
const required = (process.env.BERTH_REQUIRE ?? "").split(",").includes("chromium")
const group = browser === undefined ? "the status page (skipped: chromium is not installed)" : "the status page"

describe.skipIf(browser === undefined && !required)(group, () => {
  it.live("asks for the token, then shows routes, sessions and throughput as they change, on a phone too", () =>
    Effect.gen(function* () {
      const token = "correct-horse-battery-staple"
      const target = yield* listen(echo)
      const gateway = yield* Gateway
      const port = yield* freePort
      yield* gateway.apply([{ id: "orders.redis", port, target: `127.0.0.1:${target.port}` }])
      const admin = yield* Admin.serve({
        address: { kind: "tcp", host: "127.0.0.1", port: 0 },
        token: Redacted.make(token),
        ready: Effect.succeed(true)
      })
      const client = yield* dial(port)
      const opened = yield* Effect.acquireRelease(
        Effect.promise(() => chromium.launch({ executablePath: browser ?? "chromium", args: ["--no-sandbox"] })),
        (running) => Effect.promise(() => running.close())
      )
      yield* Effect.promise(async () => {
        const page = await opened.newPage({ viewport: { width: 375, height: 800 } })
        const problems: Array<string> = []
        const foreign: Array<string> = []
        page.on("pageerror", (error) => problems.push(error.message))
        page.on("request", (request) => {
          if (!request.url().startsWith(`http://127.0.0.1:${admin.port}`) && !request.url().startsWith("data:")) {
            foreign.push(request.url())
          }
        })
        await page.goto(`http://127.0.0.1:${admin.port}/`)
        await page.getByLabel("Admin token").fill(token)
        await page.getByRole("button", { name: "Show" }).click()
        await page.getByText("live", { exact: true }).waitFor()
        await page.getByRole("cell", { name: "orders.redis" }).first().waitFor()
        await page.locator("#open", { hasText: /^1$/ }).waitFor()
        client.write(Buffer.alloc(123_000))
        await readSome(client, 123_000)
        await page.locator("#routes td", { hasText: "123 KB" }).first().waitFor()
        const shape = await page.locator("#down").getAttribute("d")
        assert.match(shape ?? "", /^M.*L/)
        const width = await page.evaluate<number>("document.documentElement.scrollWidth")
        assert.isAtMost(width, 375)
        client.destroy()
        await page.locator("#open", { hasText: /^0$/ }).waitFor()
        assert.deepStrictEqual(problems, [])
        assert.deepStrictEqual(foreign, [])
      })
    }).pipe(Effect.provide(Gateway.layer({ listen: "127.0.0.1" })))
  )
})
