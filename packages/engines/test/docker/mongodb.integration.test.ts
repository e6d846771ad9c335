import { mongodb, mongodbReplicaSet, type Target } from "@berth/engines"
import { Redacted } from "effect"
import { type Db, MongoClient } from "mongodb"
import { type AppClient, lifecycle } from "./lifecycle.ts"

const use = async <A>(url: string, database: string | undefined, run: (db: Db) => Promise<A>): Promise<A> => {
  const client = await MongoClient.connect(url)
  try {
    return await run(client.db(database))
  } finally {
    await client.close()
  }
}

const urlOf = (at: Target) =>
  `mongodb://${at.username}:${Redacted.value(at.password)}@${at.host}:${at.port}/${at.database}?authSource=${at.database}&directConnection=true`

const read = (db: Db) =>
  db
    .collection("kept")
    .findOne()
    .then((found) => String(found?.value))

const app: AppClient = {
  write: (at, value) =>
    use(urlOf(at), undefined, async (db) => void (await db.collection("kept").insertOne({ value }))),
  read: (at) => use(urlOf(at), undefined, read),
  overreach: (at) => use(urlOf(at), "another", (db) => db.collection("kept").insertOne({ value: "mine" })),
  readByUrl: (url) => use(url, undefined, read)
}

await lifecycle(mongodb, "8", app)
await lifecycle(mongodbReplicaSet, "8", app)
