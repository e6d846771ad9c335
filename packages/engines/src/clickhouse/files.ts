/** Configuration files of a ClickHouse server, as they are read by every version. */
import { createHash } from "node:crypto"
import { Redacted } from "effect"
import type { Login } from "../Engine.ts"

/** Servers before 20.x know the root element under this name only. `latest` is taken for a new one. */
export const rootElement = (version: string): "yandex" | "clickhouse" => {
  const year = Number(version.split(".")[0])
  return year < 20 ? "yandex" : "clickhouse"
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** A user's name is an element's, so only names are taken that are also names in XML. Ours are. */
const user = ({ username, password }: Login, rights: string): string => `    <${username} replace="replace">
      <password_sha256_hex>${createHash("sha256").update(Redacted.value(password)).digest("hex")}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      ${rights}
    </${username}>
`

/**
 * The administrator, and the app's user with its own database and no other. The default account, which has no
 * password, is removed. The server reads the file again within seconds of a change, without a restart.
 */
export const usersFile = (version: string, admin: Login, app: Login | undefined): string => {
  const root = rootElement(version)
  const appUser =
    app === undefined
      ? ""
      : user(app, `<allow_databases><database>${escaped(app.database)}</database></allow_databases>`)
  return `<${root}>
  <users>
    <default remove="remove"/>
${user(admin, "<access_management>1</access_management>")}${appUser}  </users>
</${root}>
`
}

/** Tables of the server about itself: the ones that grow with every second are not kept, the others for a week. */
const systemTables = `  <trace_log remove="remove"/>
  <text_log remove="remove"/>
  <metric_log remove="remove"/>
  <asynchronous_metric_log remove="remove"/>
  <processors_profile_log remove="remove"/>
  <query_log><ttl>event_date + INTERVAL 7 DAY DELETE</ttl></query_log>
`

/** The log goes to standard output alone, where the runtime keeps and bounds it. Statements are not written into it. */
export const serverFile = (version: string): string => {
  const root = rootElement(version)
  const isOld = root === "yandex"
  return `<${root}>
  <logger>
    <level>information</level>
    <console>1</console>
    <log remove="remove"/>
    <errorlog remove="remove"/>
  </logger>
${isOld ? "" : systemTables}</${root}>
`
}
