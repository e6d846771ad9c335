/** What bad input gets: an error that names the field, the problem and an example, and nothing changed. */
import { Berth } from "@berth/sdk"
import { memory } from "@berth/testing"
import { assert, describe, it, onTestFinished } from "vitest"
import { rejection, shop, temporaryFolder } from "./support/fixtures.ts"

const setUp = async () => {
  const berth = await Berth.open({ dataDir: temporaryFolder(), host: memory() })
  onTestFinished(() => berth.close())
  return berth
}

const database = { app: "shop", environment: "production", name: "orders", engine: "postgres" }

describe("names", () => {
  it.each(["ab", "a1", "orders", "orders-2", `a${"b".repeat(39)}`])("may be %s", async (name) => {
    const berth = await setUp()
    assert.strictEqual((await berth.apps.create({ name })).name, name)
  })

  it.each([
    "",
    "a",
    "1a",
    "-a",
    "a-",
    "Orders",
    "or ders",
    "or_ders",
    "orders;rm",
    "ördér",
    "orders\n",
    "../orders",
    `a${"b".repeat(40)}`
  ])("may not be %j", async (name) => {
    const berth = await setUp()
    const error = await rejection(berth.apps.create({ name }))
    assert.strictEqual(error.code, "INVALID_INPUT")
    assert.strictEqual(error.field, "name")
    assert.match(error.message, /"name" must be 2 to 40 characters.*Example: shop/)
    assert.deepEqual(await berth.apps.list(), [])
  })

  it("are given once: an app, an environment of it and a database of that", async () => {
    const berth = await setUp()
    const within = await shop(berth)
    await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    assert.strictEqual((await rejection(berth.apps.create({ name: "shop" }))).code, "APP_EXISTS")
    const again = berth.environments.create({ app: "shop", name: "production" })
    assert.strictEqual((await rejection(again)).code, "ENVIRONMENT_EXISTS")
    const twice = berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    assert.strictEqual((await rejection(twice)).code, "DATABASE_EXISTS")
    await berth.environments.create({ app: "shop", name: "preview" })
    await berth.databases.create({ ...within, environment: "preview", name: "orders", engine: "postgres" })
  })
})

describe("a database that is created", () => {
  it.each([
    ["an unknown engine", { ...database, engine: "oracle" }, "INVALID_INPUT", /must be one of postgres.*not "oracle"/],
    [
      "an unknown version",
      { ...database, version: "9" },
      "INVALID_INPUT",
      /supported version of Postgres \(15, 16, 17, 18\)/
    ],
    ["a property of every object as its version", { ...database, version: "toString" }, "INVALID_INPUT", /version/],
    ["an unknown app", { ...database, app: "store" }, "APP_NOT_FOUND", /no app "store"/],
    ["an unknown environment", { ...database, environment: "dev" }, "ENVIRONMENT_NOT_FOUND", /no environment "dev"/],
    ["a field that does not exist", { ...database, size: 3 }, "INVALID_INPUT", /"size"/],
    ["a name that is not text", { ...database, name: 3 }, "INVALID_INPUT", /"name"/],
    ["nothing at all", undefined, "INVALID_INPUT", /Example/]
  ])("with %s is refused", async (_, input, code, message) => {
    const berth = await setUp()
    await shop(berth)
    const error = await rejection(berth.databases.create(input as typeof database))
    assert.strictEqual(error.code, code)
    assert.match(error.message, message)
    assert.deepEqual(await berth.databases.list(), [])
  })
})

describe("a list of databases", () => {
  it("by environment needs the app, and is not a list of all", async () => {
    const berth = await setUp()
    const error = await rejection(berth.databases.list({ environment: "production" }))
    assert.strictEqual(error.code, "INVALID_INPUT")
    assert.strictEqual(error.field, "app")
  })
})

describe("an environment", () => {
  it("takes its kind from its name, or is a branch with the branch's name", async () => {
    const berth = await setUp()
    await berth.apps.create({ name: "shop" })
    const create = (input: Omit<Parameters<typeof berth.environments.create>[0], "app">) =>
      berth.environments.create({ app: "shop", ...input })
    assert.strictEqual((await create({ name: "production" })).kind, "production")
    assert.strictEqual((await create({ name: "preview" })).kind, "preview")
    assert.strictEqual((await create({ name: "staging" })).kind, "custom")
    const login = await create({ name: "login", kind: "branch", branch: "feature/login" })
    assert.strictEqual(login.branch, "feature/login")
    assert.strictEqual((await rejection(create({ name: "other", kind: "branch" }))).field, "branch")
    assert.strictEqual((await rejection(create({ name: "other", branch: "x" }))).field, "branch")
  })

  it("is kept while it has databases, and an app while it has environments", async () => {
    const berth = await setUp()
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    assert.strictEqual((await rejection(berth.environments.delete(within))).code, "ENVIRONMENT_NOT_EMPTY")
    assert.strictEqual((await rejection(berth.apps.delete("shop"))).code, "APP_NOT_EMPTY")
    await berth.databases.delete(id)
    await berth.environments.delete(within)
    await berth.apps.delete("shop")
    assert.deepEqual(await berth.apps.list(), [])
  })
})

describe("a verb", () => {
  it.each([
    [{ initiator: "" }, "initiator"],
    [{ initiator: "a\u0000b" }, "initiator"],
    [{ commit: "two words" }, "commit"],
    [{ committ: "4f2c1e9" }, "committ"]
  ])("with the options %j is refused", async (options, field) => {
    const berth = await setUp()
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    const error = await rejection(berth.databases.deploy(id, options as { initiator?: string }))
    assert.strictEqual(error.code, "INVALID_INPUT")
    assert.strictEqual(error.field, field)
    assert.deepEqual(await berth.operations.list(), [])
  })

  it("on what does not exist is refused by kind", async () => {
    const berth = await setUp()
    assert.strictEqual((await rejection(berth.databases.deploy("db_x"))).code, "DATABASE_NOT_FOUND")
    assert.strictEqual((await rejection(berth.deployments.get("dep_x"))).code, "DEPLOYMENT_NOT_FOUND")
    assert.strictEqual((await rejection(berth.operations.get("op_x"))).code, "OPERATION_NOT_FOUND")
    assert.strictEqual((await rejection(berth.operations.cancel("op_x"))).code, "OPERATION_NOT_FOUND")
  })

  it("that has ended, or deletes, cannot be cancelled", async () => {
    const berth = await setUp()
    const within = await shop(berth)
    const { id } = await berth.databases.create({ ...within, name: "orders", engine: "postgres" })
    const { operation } = await berth.databases.deploy(id)
    assert.strictEqual((await rejection(berth.operations.cancel(operation))).code, "OPERATION_NOT_CANCELLABLE")
  })
})
