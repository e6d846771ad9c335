/** One server that exists only in memory: its state, its logins, what was written into it, and its log. */
import {
  type Ending,
  EngineError,
  LoginRefused,
  type LogLine,
  type ServerSpec,
  type Target,
  Unreachable
} from "@berth/engines"
import { Effect, Redacted } from "effect"

export type MemoryState =
  | { readonly _tag: "Created" }
  | { readonly _tag: "Running"; readonly since: Date }
  | { readonly _tag: "Stopped" }
  | { readonly _tag: "Ended"; readonly ending: Ending }

interface User {
  readonly password: string
  readonly database: string
}

export class MemoryServer {
  readonly spec: ServerSpec
  /** Port by endpoint, given once and kept. */
  readonly ports: Readonly<Record<string, number>>
  state: MemoryState = { _tag: "Created" }
  readonly users = new Map<string, User>()
  /** What apps wrote, by database and key. It survives a stop, as data on a disk does. */
  readonly data = new Map<string, Map<string, string>>()
  readonly log: Array<LogLine> = []

  constructor(spec: ServerSpec, ports: Readonly<Record<string, number>>) {
    this.spec = spec
    this.ports = ports
  }

  write(at: Date, text: string): void {
    this.log.push({ at, text: `${at.toISOString().replace("T", " ").replace("Z", " UTC")} [1] LOG:  ${text}` })
  }

  /** The last few lines, as a real server's ending carries them. */
  lastLines(): ReadonlyArray<string> {
    return this.log.slice(-8).map((line) => line.text)
  }
}

/** A login as a real server takes it: refused while it does not run, and without the right password. */
export const login = (
  server: MemoryServer | undefined,
  target: Target,
  now: Date
): Effect.Effect<User, EngineError> => {
  if (server?.state._tag !== "Running") {
    const detail = `connect ECONNREFUSED ${target.host}:${target.port}`
    return Effect.fail(new EngineError({ reason: new Unreachable({ host: target.host, port: target.port, detail }) }))
  }
  server.write(now, `connection received: host=${target.host}`)
  const user = server.users.get(target.username)
  if (user === undefined || user.password !== Redacted.value(target.password)) {
    const detail = `password authentication failed for user "${target.username}"`
    server.write(now, detail)
    return Effect.fail(new EngineError({ reason: new LoginRefused({ username: target.username, detail }) }))
  }
  server.write(now, `connection authorized: user=${target.username} database=${target.database}`)
  return Effect.succeed(user)
}
