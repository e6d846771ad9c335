import { lifecycle } from "./support/lifecycle.ts"
import { memoryPlace } from "./support/memoryPlace.ts"

lifecycle("memory", memoryPlace)
