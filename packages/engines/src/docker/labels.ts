/**
 * Names and labels of everything that Berth makes on a Docker Engine. Names derive from ids, so a step that runs twice
 * finds what it made; labels say whose a thing is, so that nothing foreign is ever touched.
 */
import { Schema } from "effect"
import type { ServerSpec } from "../Runtime.ts"

export type Role = "server" | "data" | "network" | "template" | "kept" | "adopted"

export const label = {
  /** Which Berth a thing belongs to. One engine may serve several. */
  instance: "berth.instance",
  role: "berth.role",
  server: "berth.server",
  name: "berth.name",
  network: "berth.network",
  engine: "berth.engine",
  version: "berth.version",
  /** Digest of the image, and the name under which the engine's value knows it. */
  image: "berth.image",
  reference: "berth.reference",
  endpoints: "berth.endpoints",
  data: "berth.data",
  volume: "berth.volume",
  recipe: "berth.recipe",
  /** Seconds that the server may take to end. */
  grace: "berth.grace",
  fingerprint: "berth.fingerprint",
  at: "berth.at"
} as const

/** In front of the labels of the caller, so that they cannot meet ours. */
const own = "berth.label."

export const serverName = (id: string): string => `berth-${id}`
export const keptName = (id: string): string => `berth-kept-${id}`
export const adoptedName = (id: string): string => `berth-adopted-${id}`
export const networkName = (id: string): string => `berth-net-${id}`

const Ports = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Int))
const decodePorts = Schema.decodeUnknownOption(Ports)

export type Labels = Readonly<Record<string, string>>

export const portsOf = (labels: Labels): Readonly<Record<string, number>> => {
  const decoded = decodePorts(labels[label.endpoints] ?? "{}")
  return decoded._tag === "Some" ? decoded.value : {}
}

export const serverLabels = (spec: ServerSpec, instance: string, role: Role): Record<string, string> => ({
  [label.instance]: instance,
  [label.role]: role,
  [label.server]: spec.id,
  [label.name]: spec.name,
  [label.network]: spec.network,
  [label.engine]: spec.engine.id,
  [label.version]: spec.version,
  [label.endpoints]: JSON.stringify(
    Object.fromEntries(spec.engine.endpoints.map((endpoint) => [endpoint.name, endpoint.port]))
  ),
  ...Object.fromEntries(Object.entries(spec.labels).map(([key, value]) => [`${own}${key}`, value]))
})

/** The labels that the caller gave, without ours. */
export const callerLabels = (labels: Labels): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => key.startsWith(own))
      .map(([key, value]) => [key.slice(own.length), value])
  )

/** Names of Docker hold no `:` or `/`. */
export const safe = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_.-]/g, "-")
