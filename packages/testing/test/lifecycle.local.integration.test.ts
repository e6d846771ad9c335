import { lifecycle, operations } from "./support/lifecycle.ts"
import { localPlace } from "./support/localPlace.ts"

lifecycle("local", localPlace)
operations("local", localPlace)
