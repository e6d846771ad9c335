/** The command line of `berth-gateway`. `--help`, `--version` and `--completions` come with the library. */
import { readFile } from "node:fs/promises"
import { Console, Effect, Logger, Option, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Config from "../config/Config.ts"
import * as Connect from "./Connect.ts"
import * as Server from "./Server.ts"

const connect = Command.make("connect", {
  url: Argument.String("url").pipe(
    Argument.withDescription("The route's tunnel, such as wss://gateway.example.com/v1/tunnel/orders.postgres")
  ),
  listen: Flag.String("listen").pipe(
    Flag.withDescription("Address that local clients connect to"),
    Flag.withDefault("127.0.0.1:5432")
  ),
  tokenFile: Flag.String("token-file").pipe(
    Flag.withDescription("File with the token; without it the environment variable BERTH_GATEWAY_TOKEN"),
    Flag.optional
  )
}).pipe(
  Command.withDescription("Bring a route of a gateway that is reached over HTTPS to a local port"),
  Command.withHandler(
    Effect.fnUntraced(function* ({ url, listen, tokenFile }) {
      const fromFile = Option.match(tokenFile, {
        onNone: () => Effect.succeed(process.env.BERTH_GATEWAY_TOKEN ?? ""),
        onSome: (path) => Effect.promise(() => readFile(path, "utf8"))
      })
      const token = Redacted.make((yield* fromFile).trim())
      return yield* Connect.run({ url, listen, token })
    }, Effect.scoped)
  )
)

export const command = Command.make("berth-gateway", {
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("Configuration file"),
    Flag.withDefault("gateway.json")
  ),
  checkConfig: Flag.Boolean("check-config").pipe(
    Flag.withDescription("Check the configuration file and its routes, say what is wrong, and end"),
    Flag.withDefault(false)
  )
}).pipe(
  Command.withDescription("Routes public ports to databases"),
  Command.withHandler(
    Effect.fnUntraced(function* ({ config, checkConfig }) {
      if (!checkConfig) return yield* Server.run(config).pipe(Effect.provide(Logger.layer([Logger.consoleJson])))
      const loaded = yield* Config.load(config)
      yield* Console.log(`${config} is right: ${loaded.routes?.length ?? 0} routes`)
    })
  ),
  Command.withSubcommands([connect])
)
