import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { vi } from "vitest"
import { administration } from "../src/mongodb/administration.ts"

type Command = Readonly<Record<string, unknown>>
type Answer = (command: Command) => Command

const driver = vi.hoisted(() => ({
  opened: [] as Array<readonly [string, Record<string, unknown>]>,
  commands: [] as Array<readonly [string, Record<string, unknown>]>,
  closed: 0,
  fails: undefined as Error | undefined,
  answer: ((): Record<string, unknown> => ({})) as (command: Record<string, unknown>) => Record<string, unknown>
}))

vi.mock("mongodb", () => ({
  MongoClient: class {
    constructor(url: string, options: Record<string, unknown>) {
      driver.opened.push([url, options])
    }
    connect() {
      return driver.fails === undefined ? Promise.resolve(this) : Promise.reject(driver.fails)
    }
    close() {
      driver.closed++
      return Promise.resolve()
    }
    db(name: string) {
      return {
        command: (command: Record<string, unknown>) => {
          driver.commands.push([name, command])
          return Promise.resolve(driver.answer(command))
        }
      }
    }
  }
}))

const admin = {
  host: "10.0.0.5",
  port: 27_017,
  username: "berth_admin",
  password: Redacted.make("administrators"),
  database: "admin"
}
const app = { username: "app_orders", password: Redacted.make("apps"), database: "orders" }

const answering = (answer: Answer) => {
  driver.answer = answer
}

beforeEach(() => {
  Object.assign(driver, { opened: [], commands: [], closed: 0, fails: undefined, answer: () => ({}) })
})

const roles = [
  { role: "readWrite", db: "orders" },
  { role: "dbAdmin", db: "orders" }
]

describe("administration of MongoDB", () => {
  it.effect("logs in where the user lives, to this server and no other, and closes", () =>
    Effect.gen(function* () {
      yield* administration.ping({ ...admin, ...app })
      const [url, options] = driver.opened[0] ?? []
      assert.strictEqual(url, "mongodb://10.0.0.5:27017")
      assert.deepInclude(options, {
        auth: { username: "app_orders", password: "apps" },
        authSource: "orders",
        directConnection: true,
        maxPoolSize: 1
      })
      assert.deepStrictEqual(driver.commands, [["orders", { ping: 1 }]])
      assert.strictEqual(driver.closed, 1)
    })
  )

  it.effect("makes the app's user in its own database, with rights on that database only", () =>
    Effect.gen(function* () {
      answering((command) => ("usersInfo" in command ? { users: [] } : {}))
      yield* administration.createApp(admin, app)
      assert.deepStrictEqual(driver.commands, [
        ["admin", { hello: 1 }],
        ["orders", { usersInfo: "app_orders" }],
        ["orders", { createUser: "app_orders", pwd: "apps", roles }]
      ])
    })
  )

  it.effect("sets the password of a user that is there", () =>
    Effect.gen(function* () {
      answering((command) => ("usersInfo" in command ? { users: [{ user: "app_orders" }] } : {}))
      yield* administration.createApp(admin, app)
      assert.deepStrictEqual(driver.commands.at(-1), ["orders", { updateUser: "app_orders", pwd: "apps", roles }])
    })
  )

  it.effect("begins a replica set once, before it makes a user", () =>
    Effect.gen(function* () {
      let begun = false
      answering((command) => {
        if ("replSetInitiate" in command) begun = true
        if ("hello" in command) return begun ? { setName: "berth", isWritablePrimary: true } : { isreplicaset: true }
        return { users: [] }
      })
      yield* administration.createApp(admin, app)
      const names = driver.commands.map(([, command]) => Object.keys(command)[0])
      assert.deepStrictEqual(names, ["hello", "replSetInitiate", "hello", "usersInfo", "createUser"])
      yield* administration.createApp(admin, app)
      assert.strictEqual(driver.commands.filter(([, command]) => "replSetInitiate" in command).length, 1)
    })
  )

  it.effect("writes so that it survives a crash, reads it back and removes it", () =>
    Effect.gen(function* () {
      answering((command) => ("find" in command ? { cursor: { firstBatch: [{ value: 42 }] } } : {}))
      yield* administration.write({ ...admin, ...app })
      const writeConcern = { w: "majority", j: true }
      assert.deepStrictEqual(driver.commands, [
        ["orders", { insert: "berth_proof", documents: [{ value: 42 }], writeConcern }],
        ["orders", { find: "berth_proof", filter: { value: 42 }, limit: 1 }],
        ["orders", { drop: "berth_proof", writeConcern }]
      ])
    })
  )

  it.effect("fails when what was written is not there", () =>
    Effect.gen(function* () {
      answering(() => ({ cursor: { firstBatch: [] } }))
      const error = yield* Effect.flip(administration.write({ ...admin, ...app }))
      assert.strictEqual(error.reason._tag, "StatementFailed")
    })
  )

  it.effect("says where its data is", () =>
    Effect.gen(function* () {
      answering((command) =>
        "buildInfo" in command ? { version: "8.0.4" } : { parsed: { storage: { dbPath: "/data/db" } } }
      )
      assert.deepStrictEqual(yield* administration.facts(admin), { version: "8.0.4", dataFolder: "/data/db" })
    })
  )

  it.effect("tells a refused login, a server that starts, and one that is away apart", () =>
    Effect.gen(function* () {
      const tagOf = (fails: Error) => {
        driver.fails = fails
        return Effect.flip(administration.ping(admin)).pipe(Effect.map(({ reason }) => reason._tag))
      }
      assert.strictEqual(yield* tagOf(Object.assign(new Error("Authentication failed."), { code: 18 })), "LoginRefused")
      assert.strictEqual(yield* tagOf(Object.assign(new Error("starting"), { code: 13_436 })), "NotReady")
      assert.strictEqual(yield* tagOf(new Error("connect ECONNREFUSED")), "Unreachable")
      const empty = Object.assign(new Error("Password cannot be empty"), { name: "MongoInvalidArgumentError" })
      assert.strictEqual(yield* tagOf(empty), "LoginRefused")
      assert.strictEqual(driver.closed, 4)
    })
  )
})
