import { Berth } from "@berth/sdk"
import { byHand } from "./support/byHand.ts"
import { mkdtempSync, chmodSync } from "node:fs"
const root = mkdtempSync("/tmp/tl-"); chmodSync(root, 0o711)
for (let r = 0; r < 4; r++) {
  const hand = await byHand(root + "/h" + r)
  const berth = await Berth.open({ dataDir: root + "/b" + r })
  await berth.apps.create({ name: "shop" }); await berth.environments.create({ app: "shop", name: "production" })
  console.log("hand", hand.toFixed(0))
  for (const name of ["first", "second"]) {
    const { id } = await berth.databases.create({ app: "shop", environment: "production", name, engine: "postgres" })
    const t = performance.now()
    const d = await berth.databases.deploy(id)
    let prev = +d.createdAt
    console.log(name, (performance.now() - t).toFixed(0), d.timeline.map((x) => { const s = `${x.step} +${+x.startedAt - prev} ${+x.endedAt! - +x.startedAt}`; prev = +x.endedAt!; return s }).join(" | "))
  }
  for (const { id } of await berth.databases.list()) await berth.databases.delete(id)
  await berth.close()
}
