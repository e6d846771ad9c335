/** All templates on an engine, and those that its engines' versions would be copied from. */
import { Effect, Redacted } from "effect"
import type { Engine } from "../Engine.ts"
import type { DockerHost } from "./DockerHost.ts"
import * as Image from "./Image.ts"
import { label } from "./labels.ts"
import { templateName } from "./Template.ts"

/** A plan is asked for its recipe only, which depends on no login. */
const nobody = { username: "nobody", password: Redacted.make(""), database: "" }

/** Names of the templates that servers of these engines are copied from, for the images that are on the host. */
export const templateNames = Effect.fnUntraced(function* (host: DockerHost, engines: ReadonlyArray<Engine>) {
  const names = yield* Effect.forEach(
    engines.flatMap((engine) =>
      Object.entries(engine.versions).map(([version, { image }]) => ({ engine, version, image }))
    ),
    ({ engine, version, image: reference }) => {
      const recipe = engine.server({ version, admin: nobody }).container?.template?.recipe
      if (recipe === undefined) return Effect.succeed([])
      return Image.find(host, reference).pipe(
        Effect.map((image) => (image === undefined ? [] : [templateName(engine.id, version, image.id, recipe)]))
      )
    },
    { concurrency: 4 }
  )
  return new Set(names.flat())
})

export interface TemplateFound {
  readonly name: string
  /** It is being made. */
  readonly isRunning: boolean
  /** Containers of servers that were filled from it and still name it. */
  readonly users: number
}

export const templateContainers = Effect.fnUntraced(function* (host: DockerHost) {
  const all = yield* host.client.call("list templates", (docker) =>
    docker.listContainers({ all: true, filters: { label: [`${label.role}=template`] } })
  )
  return yield* Effect.forEach(
    all,
    ({ Names, Labels, State }) =>
      host.client
        .call("list a template's users", (docker) =>
          docker.listContainers({ all: true, filters: { volume: [Labels[label.volume] ?? ""] } })
        )
        .pipe(
          Effect.map(
            (users): TemplateFound => ({
              name: (Names[0] ?? "").replace(/^\//, ""),
              isRunning: State === "running",
              users: users.length - 1
            })
          )
        ),
    { concurrency: 4 }
  )
})
