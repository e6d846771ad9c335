import { mariadb, mysql } from "@berth/engines"
import { lifecycle } from "./lifecycle.ts"
import { app } from "./mysqlApp.ts"

await lifecycle(mysql, "9", app)
await lifecycle(mariadb, "10.11", app)
await lifecycle(mariadb, "11", app)
