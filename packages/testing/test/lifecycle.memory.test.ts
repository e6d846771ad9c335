import { lifecycle, operations } from "./support/lifecycle.ts"
import { memoryPlace } from "./support/memoryPlace.ts"

lifecycle("memory", memoryPlace)
operations("memory", memoryPlace)
