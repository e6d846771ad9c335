import type { Berth, Verb } from "@berth/sdk"

/** Any verb by its name, to its end. */
export const runVerb = (berth: Berth, verb: Verb, id: string): Promise<unknown> =>
  verb === "deploy"
    ? berth.databases.deploy(id)
    : verb === "delete"
      ? berth.databases.delete(id)
      : berth.databases[verb](id)
