/**
 * A process of its own for tests that kill it: opens the data directory and runs one verb under a fault plan.
 * Arguments: data directory, database, verb, and `before:<step>`, `after:<step>` or `none`.
 */
import { Berth, type Verb } from "@berth/sdk"
import { crashAfter, crashBefore, faults } from "@berth/testing"
import { localPlace } from "./localPlace.ts"
import { runVerb } from "./verbs.ts"

const [dataDir = "", database = "", verb = "deploy", crash = "none"] = process.argv.slice(2)
const [moment, step = ""] = crash.split(":")
const plan = moment === "before" ? [crashBefore(step)] : moment === "after" ? [crashAfter(step)] : []

const berth = await Berth.open({ dataDir, host: localPlace().host, faults: faults(...plan) })
console.log("open")
await runVerb(berth, verb as Verb, database)
await berth.close()
console.log("done")
