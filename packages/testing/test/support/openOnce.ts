/** A process of its own that opens a data directory and says how that went. With `hold` it keeps it open. */
import { Berth } from "@berth/sdk"
import { memory } from "@berth/testing"

const [dataDir = "", hold] = process.argv.slice(2)
try {
  const berth = await Berth.open({ dataDir, host: memory() })
  console.log("open")
  if (hold === undefined) await berth.close()
  else await new Promise((resolve) => setTimeout(resolve, 30_000))
} catch (error) {
  console.error(error instanceof Error && "code" in error ? `${error.code}: ${error.message}` : error)
  process.exitCode = 1
}
