/** Environments: where an app's databases live, apart from those of its other environments. */
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { type AppNotFound, Apps } from "../apps/apps.ts"
import { Hosts } from "../hosts/hosts.ts"
import { decoder, InvalidInput } from "../schema/InvalidInput.ts"
import { makeId } from "../schema/ids.ts"
import { Name } from "../schema/Name.ts"
import { inStore, type StoreFailed, whenTaken } from "../store/StoreError.ts"

export const EnvironmentKind = Schema.Literals(["production", "branch", "preview", "custom"])
export type EnvironmentKind = typeof EnvironmentKind.Type

export interface Environment {
  readonly id: string
  readonly app: string
  readonly name: string
  readonly kind: EnvironmentKind
  readonly branch: string | undefined
  readonly host: string
  readonly createdAt: Date
}

export class EnvironmentNotFound extends Schema.TaggedError<EnvironmentNotFound>()("EnvironmentNotFound", {
  app: Schema.String,
  environment: Schema.String
}) {
  readonly code = "ENVIRONMENT_NOT_FOUND"
  override get message(): string {
    return `The app "${this.app}" has no environment "${this.environment}". Create it with environments.create.`
  }
}

export class EnvironmentExists extends Schema.TaggedError<EnvironmentExists>()("EnvironmentExists", {
  app: Schema.String,
  environment: Schema.String
}) {
  readonly code = "ENVIRONMENT_EXISTS"
  override get message(): string {
    return `The app "${this.app}" has an environment "${this.environment}" already. Choose another name.`
  }
}

export class EnvironmentNotEmpty extends Schema.TaggedError<EnvironmentNotEmpty>()("EnvironmentNotEmpty", {
  environment: Schema.String,
  databases: Schema.Array(Schema.String)
}) {
  readonly code = "ENVIRONMENT_NOT_EMPTY"
  override get message(): string {
    return `The environment "${this.environment}" still has databases: ${this.databases.join(", ")}. Delete them first.`
  }
}

const Branch = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(/^[^\p{Cc}]{1,250}$/u, { message: "must be 1 to 250 characters without control characters" })
  )
)

export const CreateEnvironment = Schema.Struct({
  /** Name or id of the app. */
  app: Schema.String,
  name: Name,
  /** Default: the name when it is `production` or `preview`, else `custom`. */
  kind: Schema.optionalKey(EnvironmentKind),
  /** Name of the branch, for the kind `branch` and for no other. */
  branch: Schema.optionalKey(Branch)
})

const decodeCreate = decoder(CreateEnvironment, {
  "": '{ app: "shop", name: "production" }',
  app: "shop",
  name: "production",
  kind: "branch",
  branch: "feature/login"
})

const kindOf = (name: string): EnvironmentKind => (name === "production" || name === "preview" ? name : "custom")

interface Row {
  readonly id: string
  readonly app_id: string
  readonly name: string
  readonly kind: EnvironmentKind
  readonly branch: string | null
  readonly host: string
  readonly created_at: number
}

const toEnvironment = (row: Row): Environment => ({
  id: row.id,
  app: row.app_id,
  name: row.name,
  kind: row.kind,
  branch: row.branch ?? undefined,
  host: row.host,
  createdAt: new Date(row.created_at)
})

/** An environment is named within its app: by its own name or id, and the app by name or id. */
export interface EnvironmentRef {
  readonly app: string
  readonly environment: string
}

export class Environments extends Context.Service<
  Environments,
  {
    readonly create: (
      input: typeof CreateEnvironment.Encoded
    ) => Effect.Effect<Environment, InvalidInput | AppNotFound | EnvironmentExists | StoreFailed>
    readonly list: (filter: {
      readonly app: string
    }) => Effect.Effect<ReadonlyArray<Environment>, AppNotFound | StoreFailed>
    readonly get: (ref: EnvironmentRef) => Effect.Effect<Environment, AppNotFound | EnvironmentNotFound | StoreFailed>
    /** An environment with databases is kept. */
    readonly delete: (
      ref: EnvironmentRef
    ) => Effect.Effect<void, AppNotFound | EnvironmentNotFound | EnvironmentNotEmpty | StoreFailed>
  }
>()("@berth/sdk/Environments") {
  static readonly layer: Layer.Layer<Environments, never, SqlClient.SqlClient | Apps | Hosts> = Layer.effect(
    Environments,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const apps = yield* Apps
      const hosts = yield* Hosts

      const get = Effect.fn("Environments.get")(function* (ref: EnvironmentRef) {
        const app = yield* apps.get(ref.app)
        const [row] = yield* inStore(
          sql<Row>`SELECT * FROM environments
            WHERE app_id = ${app.id} AND (id = ${ref.environment} OR name = ${ref.environment})`
        )
        if (row === undefined) return yield* new EnvironmentNotFound(ref)
        return toEnvironment(row)
      })

      return Environments.of({
        create: Effect.fn("Environments.create")(function* (input) {
          const { app: appName, name, kind = kindOf(name), branch } = yield* decodeCreate(input)
          if ((kind === "branch") !== (branch !== undefined)) {
            const problem = kind === "branch" ? "is missing for the kind branch" : "is for the kind branch only"
            return yield* new InvalidInput({ field: "branch", problem, example: "feature/login" })
          }
          const app = yield* apps.get(appName)
          const row: Row = {
            id: yield* makeId("env"),
            app_id: app.id,
            name,
            kind,
            branch: branch ?? null,
            host: hosts.defaultHost,
            created_at: yield* Clock.currentTimeMillis
          }
          yield* sql`INSERT INTO environments ${sql.insert({ ...row })}`.pipe(
            whenTaken(() => new EnvironmentExists({ app: app.name, environment: name })),
            inStore
          )
          return toEnvironment(row)
        }),
        list: Effect.fn("Environments.list")(function* ({ app }) {
          const { id } = yield* apps.get(app)
          const rows = yield* inStore(sql<Row>`SELECT * FROM environments WHERE app_id = ${id} ORDER BY name`)
          return rows.map(toEnvironment)
        }),
        get,
        delete: Effect.fn("Environments.delete")(function* (ref) {
          const { id, name } = yield* get(ref)
          yield* Effect.gen(function* () {
            const rows = yield* sql<Pick<Row, "name">>`
              SELECT name FROM databases WHERE environment_id = ${id} ORDER BY name`
            if (rows.length > 0) {
              return yield* new EnvironmentNotEmpty({ environment: name, databases: rows.map((row) => row.name) })
            }
            yield* sql`DELETE FROM environments WHERE id = ${id}`
          }).pipe(sql.withTransaction, inStore)
        })
      })
    })
  )
}
