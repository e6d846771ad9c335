#!/usr/bin/env node
/** The program `berth-gateway`. */
import { NodeServices } from "@effect/platform-node"
import { Cause, Effect, Exit } from "effect"
import { CliError, Command } from "effect/cli"
import * as Worker from "../plane/workers/Worker.ts"
import { version } from "../version.ts"
import { command } from "./Cli.ts"
import { explain } from "./Server.ts"

/** Not the runtime's own main: that would end at the first SIGTERM instead of draining. */
async function main(): Promise<void> {
  const exit = await Effect.runPromiseExit(Command.run(command, { version }).pipe(Effect.provide(NodeServices.layer)))
  if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
    const error = Cause.squash(exit.cause)
    // What is wrong with the command line was shown already.
    if (!CliError.isCliError(error)) process.stderr.write(`berth-gateway: ${explain(exit.cause)}\n`)
  }
  process.exit(Exit.isSuccess(exit) ? 0 : 1)
}

if (Worker.isWorker()) Worker.run()
else void main()
