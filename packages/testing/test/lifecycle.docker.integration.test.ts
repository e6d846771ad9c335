/** Every engine on Docker: the same life as anywhere else, used through its usual client library. */
import { afterAll, assert, describe, it } from "vitest"
import { answers, cleanUp, dockerPlace, hasImage } from "./support/dockerPlace.ts"
import { lifecycle, operations } from "./support/lifecycle.ts"
import type { Place } from "./support/place.ts"

const places: ReadonlyArray<readonly [image: string, database: Place["database"]]> = [
  ["postgres:18", { engine: "postgres" }],
  ["mysql:9", { engine: "mysql" }],
  ["mariadb:11", { engine: "mariadb" }],
  ["redis:8", { engine: "redis" }],
  ["valkey/valkey:9", { engine: "valkey" }],
  ["clickhouse/clickhouse-server:18.16", { engine: "clickhouse", version: "18.16" }]
]

const required = process.env.BERTH_REQUIRE?.split(",").includes("docker") === true

afterAll(async () => {
  if (answers) await cleanUp()
})

for (const [image, database] of places) {
  const reason = answers ? ((await hasImage(image)) ? undefined : `no image ${image}`) : "no Docker Engine answers"
  const name = `${database.engine} on docker`
  if (reason === undefined) {
    lifecycle(name, dockerPlace(database))
    if (database.engine === "postgres") operations(name, dockerPlace(database))
  } else if (required) {
    describe(name, () => it("has what it needs", () => assert.fail(reason)))
  } else {
    describe.skip(`${name} (${reason})`, () => it("is skipped", () => {}))
  }
}
