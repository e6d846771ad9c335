/**
 * A Postgres database from its creation to its end: deployed, used, restarted, stopped and deleted.
 *
 *   --json   prints one JSON object with each step's result and milliseconds
 *   --keep   leaves the database running and prints how to connect to it
 */
import { existsSync, readdirSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Berth, type Deployment } from "@berth/sdk"
import pg from "pg"
import { progress, Report } from "./report.ts"

const { values: options } = parseArgs({
  options: { json: { type: "boolean", default: false }, keep: { type: "boolean", default: false } }
})

const report = new Report(options)
const dataDir = join(tmpdir(), `berth-demo-${process.pid}`)

type Details = Awaited<ReturnType<Berth["credentials"]["get"]>>["internal"]

/** Runs `use` with a connection of the app's user, as the app itself would open it. */
const asApp = async <A>(details: Details, use: (client: pg.Client) => Promise<A>): Promise<A> => {
  const client = new pg.Client({ connectionString: details.uri })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

const masked = (details: Details): string => details.uri.replace(details.password, "••••••••")

const readRows = (client: pg.Client) =>
  client
    .query<{ item: string; amount: number }>("SELECT item, amount FROM purchases ORDER BY item")
    .then(({ rows }) => rows)

const showTimeline = ({ status, timeline }: Deployment): ReadonlyArray<string> => [
  `${status} in ${timeline.length} steps:`,
  ...timeline.map(({ step, startedAt, endedAt }) => {
    const millis = endedAt === undefined ? "?" : Number(endedAt) - Number(startedAt)
    return `${startedAt.toISOString()}  ${step.padEnd(12)} ${String(millis).padStart(5)} ms`
  })
]

const whatIsLeft = (): ReadonlyArray<string> => {
  const servers = join(dataDir, "hosts", "local", "servers")
  return existsSync(servers) ? readdirSync(servers) : []
}

const refusal = (error: unknown) => (error instanceof Error ? error.message : String(error))

const run = async (): Promise<void> => {
  const berth = await report.step(
    "Open Berth in a fresh folder",
    () => Berth.open({ dataDir }),
    () => dataDir
  )
  try {
    await report.step(
      "Create an app, an environment and a database",
      async () => {
        await berth.apps.create({ name: "shop" })
        await berth.environments.create({ app: "shop", name: "production" })
      },
      () => "shop / production"
    )
    const orders = await berth.databases.create({
      app: "shop",
      environment: "production",
      name: "orders",
      engine: "postgres"
    })
    await report.step(
      "Deploy it",
      async () => {
        const operation = await berth.databases.deploy(orders.id, { initiator: "quickstart", wait: false })
        for await (const line of berth.operations.watch(operation)) {
          if (!report.quiet && (line.kind === "step" || line.kind === "log")) progress(line.text)
        }
        const { failure, status } = await berth.operations.get(operation)
        if (status !== "succeeded") throw new Error(failure?.message ?? status)
        return status
      },
      (status) => status
    )
    const { internal } = await report.step(
      "Look at the overview",
      async () => {
        const { internal, ...overview } = await berth.databases.overview(orders.id)
        if (internal === undefined) throw new Error("the database has no connection details")
        return { ...overview, internal }
      },
      ({ actions, internal, status }) => [
        `status   ${status}`,
        `url      ${masked(internal)}`,
        `actions  ${actions
          .filter(({ allowed }) => allowed)
          .map(({ verb }) => verb)
          .join(", ")}`
      ],
      ({ engine, internal, status, version }) => ({ engine, version, status, uri: masked(internal) })
    )
    await report.step(
      "Use it as the app's user",
      () =>
        asApp(internal, async (client) => {
          await client.query("CREATE TABLE purchases (item text PRIMARY KEY, amount int NOT NULL)")
          await client.query("INSERT INTO purchases VALUES ('anchor', 1), ('rope', 12)")
          return readRows(client)
        }),
      (rows) => rows.map(({ item, amount }) => `${amount} × ${item}`)
    )
    await report.step(
      "Try what only a superuser may do",
      () =>
        asApp(internal, (client) =>
          client.query("CREATE ROLE intruder SUPERUSER").then(() => Promise.reject(new Error("it was let")), refusal)
        ),
      (message) => `refused: ${message}`
    )
    await report.step(
      "Restart it",
      () => berth.databases.restart(orders.id),
      ({ status }) => status
    )
    await report.step(
      "Read the rows again",
      () => asApp(internal, readRows),
      (rows) => rows.map(({ item, amount }) => `${amount} × ${item}`)
    )
    await report.step(
      "List its deployments",
      () => berth.deployments.list({ database: orders.id }),
      (deployments) => deployments.flatMap(showTimeline),
      (deployments) => deployments
    )
    if (options.keep) {
      await report.step(
        "Leave it running",
        async () => internal.uri,
        (uri) => [
          `connect   psql "${uri}"`,
          `end it    kill $(cut -d' ' -f1 ${join(dataDir, "hosts/local/servers", orders.id, "pid")}) && rm -r ${dataDir}`
        ],
        () => ({ dataDir, uri: masked(internal) })
      )
      return
    }
    await report.step(
      "Stop it",
      () => berth.databases.stop(orders.id),
      ({ status }) => status
    )
    await report.step(
      "Delete it",
      () => berth.databases.delete(orders.id),
      ({ status }) => status
    )
    await report.step(
      "See that nothing is left",
      async () => {
        const refused = await asApp(internal, readRows).then(
          () => Promise.reject(new Error("it still answers")),
          refusal
        )
        const left = [...(await berth.databases.list()).map(({ id }) => id), ...whatIsLeft()]
        if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`)
        return refused
      },
      (refused) => `no record, no folder, no process (${refused})`
    )
  } finally {
    await berth.close()
    if (!options.keep) await rm(dataDir, { recursive: true, force: true })
  }
}

try {
  await run()
  report.end(true)
} catch (error) {
  report.end(false, error)
  process.exitCode = 1
}
