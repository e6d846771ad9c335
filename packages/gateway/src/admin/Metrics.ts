/** The counters in Prometheus' text form. */
import { type Counters, dialBounds, type Histogram, type RouteCounters, sessionBounds } from "../client/Connection.ts"

const escaped = (text: string): string => text.replace(/[\\"\n]/g, (each) => (each === "\n" ? "\\n" : `\\${each}`))

const line = (name: string, labels: Readonly<Record<string, string>>, value: number): string => {
  const shown = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`)
  return `${name}${shown.length === 0 ? "" : `{${shown.join(",")}}`} ${value}`
}

const family = (name: string, type: string, help: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines]

const histogram = (
  name: string,
  labels: Readonly<Record<string, string>>,
  bounds: ReadonlyArray<number>,
  { buckets, sum }: Histogram
): ReadonlyArray<string> => {
  let count = 0
  const lines = buckets.map((bucket, index) => {
    count += bucket
    const bound = bounds[index]
    return line(`${name}_bucket`, { ...labels, le: bound === undefined ? "+Inf" : String(bound / 1000) }, count)
  })
  return [...lines, line(`${name}_sum`, labels, sum / 1000), line(`${name}_count`, labels, count)]
}

/** What is known beside the counters. */
export interface Facts {
  readonly revision: number
  readonly version: string
  readonly startedAt: number
  readonly memory: number
}

export const render = ({ routes, refused }: Counters, facts: Facts): string => {
  const each = (name: string, type: string, help: string, value: (route: RouteCounters) => number) =>
    family(
      name,
      type,
      help,
      routes.map((route) => line(name, { route: route.route }, value(route)))
    )
  const spread = (name: string, help: string, bounds: ReadonlyArray<number>, of: (route: RouteCounters) => Histogram) =>
    family(
      name,
      "histogram",
      help,
      routes
        .filter((route) => route.accepted > 0)
        .flatMap((route) => histogram(name, { route: route.route }, bounds, of(route)))
    )
  const lines = [
    ...family("berth_gateway_info", "gauge", "Version of the gateway.", [
      line("berth_gateway_info", { version: facts.version }, 1)
    ]),
    ...family("berth_gateway_table_revision", "gauge", "Revision of the table in service.", [
      line("berth_gateway_table_revision", {}, facts.revision)
    ]),
    ...family("berth_gateway_start_time_seconds", "gauge", "When the gateway started, in seconds since 1970.", [
      line("berth_gateway_start_time_seconds", {}, facts.startedAt / 1000)
    ]),
    ...family("berth_gateway_resident_memory_bytes", "gauge", "Resident memory of the controlling process.", [
      line("berth_gateway_resident_memory_bytes", {}, facts.memory)
    ]),
    ...each("berth_gateway_connections_open", "gauge", "Sessions at this moment.", (route) => route.open),
    ...each("berth_gateway_connections_accepted_total", "counter", "Clients let in.", (route) => route.accepted),
    ...family("berth_gateway_connections_refused_total", "counter", "Clients refused, by reason.", [
      ...routes.flatMap((route) =>
        Object.entries(route.refused).map(([reason, count]) =>
          line("berth_gateway_connections_refused_total", { route: route.route, reason }, count)
        )
      ),
      ...Object.entries(refused).map(([reason, count]) =>
        line("berth_gateway_connections_refused_total", { route: "", reason }, count)
      )
    ]),
    ...each("berth_gateway_dial_failures_total", "counter", "Targets not reached.", (route) => route.dialFailures),
    ...family(
      "berth_gateway_bytes_total",
      "counter",
      "Bytes carried, up from clients and down from targets.",
      routes.flatMap((route) => [
        line("berth_gateway_bytes_total", { route: route.route, direction: "up" }, route.bytesUp),
        line("berth_gateway_bytes_total", { route: route.route, direction: "down" }, route.bytesDown)
      ])
    ),
    ...each("berth_gateway_target_up", "gauge", "Whether the target counts as alive.", (route) =>
      route.healthy ? 1 : 0
    ),
    ...spread("berth_gateway_dial_duration_seconds", "Time to reach the target.", dialBounds, (route) => route.dials),
    ...spread(
      "berth_gateway_session_duration_seconds",
      "Length of a session.",
      sessionBounds,
      (route) => route.sessions
    )
  ]
  return `${lines.join("\n")}\n`
}
