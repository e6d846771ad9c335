/** Apps: what environments and databases belong to. */
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decoder, type InvalidInput } from "../schema/InvalidInput.ts"
import { makeId } from "../schema/ids.ts"
import { Name } from "../schema/Name.ts"
import { inStore, type StoreFailed, whenTaken } from "../store/StoreError.ts"

export interface App {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
}

export class AppNotFound extends Schema.TaggedError<AppNotFound>()("AppNotFound", { app: Schema.String }) {
  readonly code = "APP_NOT_FOUND"
  override get message(): string {
    return `There is no app "${this.app}". Create it with apps.create, or see apps.list for those that exist.`
  }
}

export class AppExists extends Schema.TaggedError<AppExists>()("AppExists", { app: Schema.String }) {
  readonly code = "APP_EXISTS"
  override get message(): string {
    return `There is an app "${this.app}" already. Choose another name.`
  }
}

export class AppNotEmpty extends Schema.TaggedError<AppNotEmpty>()("AppNotEmpty", {
  app: Schema.String,
  environments: Schema.Array(Schema.String)
}) {
  readonly code = "APP_NOT_EMPTY"
  override get message(): string {
    return `The app "${this.app}" still has environments: ${this.environments.join(", ")}. Delete them first.`
  }
}

export const CreateApp = Schema.Struct({ name: Name })

const decodeCreate = decoder(CreateApp, { "": '{ name: "shop" }', name: "shop" })

interface Row {
  readonly id: string
  readonly name: string
  readonly created_at: number
}

const toApp = (row: Row): App => ({ id: row.id, name: row.name, createdAt: new Date(row.created_at) })

export class Apps extends Context.Service<
  Apps,
  {
    readonly create: (input: typeof CreateApp.Encoded) => Effect.Effect<App, InvalidInput | AppExists | StoreFailed>
    readonly list: Effect.Effect<ReadonlyArray<App>, StoreFailed>
    /** By name or id. */
    readonly get: (app: string) => Effect.Effect<App, AppNotFound | StoreFailed>
    /** By name or id. An app with environments is kept. */
    readonly delete: (app: string) => Effect.Effect<void, AppNotFound | AppNotEmpty | StoreFailed>
  }
>()("@berth/sdk/Apps") {
  static readonly layer: Layer.Layer<Apps, never, SqlClient.SqlClient> = Layer.effect(
    Apps,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const get = Effect.fn("Apps.get")(function* (app: string) {
        const [row] = yield* inStore(sql<Row>`SELECT * FROM apps WHERE id = ${app} OR name = ${app}`)
        if (row === undefined) return yield* new AppNotFound({ app })
        return toApp(row)
      })

      return Apps.of({
        create: Effect.fn("Apps.create")(function* (input) {
          const { name } = yield* decodeCreate(input)
          const row = { id: yield* makeId("app"), name, created_at: yield* Clock.currentTimeMillis }
          yield* sql`INSERT INTO apps ${sql.insert(row)}`.pipe(
            whenTaken(() => new AppExists({ app: name })),
            inStore
          )
          return toApp(row)
        }),
        list: inStore(sql<Row>`SELECT * FROM apps ORDER BY name`).pipe(Effect.map((rows) => rows.map(toApp))),
        get,
        delete: Effect.fn("Apps.delete")(function* (app) {
          const { id, name } = yield* get(app)
          yield* Effect.gen(function* () {
            const rows = yield* sql<Pick<Row, "name">>`SELECT name FROM environments WHERE app_id = ${id} ORDER BY name`
            if (rows.length > 0) {
              return yield* new AppNotEmpty({ app: name, environments: rows.map((row) => row.name) })
            }
            yield* sql`DELETE FROM apps WHERE id = ${id}`
          }).pipe(sql.withTransaction, inStore)
        })
      })
    })
  )
}
