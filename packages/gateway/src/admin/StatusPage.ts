/**
 * The status page: one document without anything from elsewhere. It holds no data; what it shows comes over the
 * WebSocket, with the token that the reader types in, kept for the tab alone.
 */
import { createHash } from "node:crypto"

const style = `
:root { color-scheme: light dark; --ink: #1b2430; --paper: #f6f7f9; --card: #fff; --line: #dde2e9; --soft: #667080; --up: #2563eb; --down: #0d9488; --bad: #c2410c }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #12161c; --card: #1a2029; --line: #2c3542; --soft: #93a0b1; --up: #60a5fa; --down: #2dd4bf; --bad: #fb923c } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1100px; margin: 0 auto; padding: 1rem }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline }
h1 { font-size: 1.25rem; margin: 0 }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem }
#link { color: var(--soft) }
section, form { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; margin-top: 1rem }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: 0 }
dt { color: var(--soft); font-size: .8rem }
dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums }
svg { display: block; width: 100%; height: 160px; margin-top: 1rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: .8rem }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
td.number, th.number { text-align: right }
.down { color: var(--bad) }
.key::before { content: ""; display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .4em; background: currentColor }
input, button { font: inherit; padding: .5rem .75rem; border-radius: 6px; border: 1px solid var(--line); background: var(--paper); color: inherit; max-width: 100% }
[hidden] { display: none }
@media (max-width: 600px) {
  .cards thead { display: none }
  .cards tr { display: grid; grid-template-columns: 1fr 1fr; padding: .5rem 0; border-bottom: 1px solid var(--line) }
  .cards td { border: 0; padding: .1rem 0; text-align: left; white-space: normal; overflow-wrap: anywhere }
  .cards td::before { content: attr(data-name); display: block; color: var(--soft); font-size: .75rem }
}`

const script = `
const at = (id) => document.getElementById(id)
const units = ["B", "KB", "MB", "GB", "TB"]
const size = (n) => { let u = 0; while (n >= 1000 && u < 4) { n /= 1000; u++ } return (u ? n.toFixed(n < 10 ? 1 : 0) : n) + " " + units[u] }
const age = (ms) => { const s = Math.max(0, Math.floor(ms / 1000)); return s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min" : Math.floor(s / 3600) + " h" }
const cell = (row, name, text, kind) => { const td = row.insertCell(); td.textContent = text; td.dataset.name = name; if (kind) td.className = kind }
const fill = (body, items, draw) => { const rows = document.createDocumentFragment(); for (const item of items) { const row = document.createElement("tr"); draw(row, item); rows.append(row) } body.replaceChildren(rows) }
let samples = []
const chart = () => {
  const width = 600, height = 160, kept = 300
  const most = Math.max(1000, ...samples.map((s) => Math.max(s.up, s.down)))
  const path = (key) => samples.map((s, i) => (i ? "L" : "M") + ((kept - samples.length + i) / (kept - 1) * width).toFixed(1) + " " + (height - 4 - s[key] / most * (height - 24)).toFixed(1)).join(" ")
  at("up").setAttribute("d", path("up")); at("down").setAttribute("d", path("down"))
  at("most").textContent = size(most) + "/s"
}
const show = (state) => {
  samples = [...samples, state.sample].slice(-300)
  at("open").textContent = state.sessionCount
  at("rateUp").textContent = size(state.sample.up) + "/s"
  at("rateDown").textContent = size(state.sample.down) + "/s"
  at("revision").textContent = state.revision
  chart()
  fill(at("routes"), state.routes, (row, r) => {
    cell(row, "Route", r.id); cell(row, "Port", r.port); cell(row, "Target", r.target + (r.healthy ? "" : " (down)"), r.healthy ? "" : "down")
    cell(row, "Open", r.open, "number"); cell(row, "Accepted", r.accepted, "number"); cell(row, "Refused", r.refused, "number")
    cell(row, "Up", size(r.bytesUp), "number"); cell(row, "Down", size(r.bytesDown), "number")
  })
  fill(at("sessions"), state.sessions, (row, s) => {
    cell(row, "Client", s.client); cell(row, "Route", s.route); cell(row, "Target", s.target); cell(row, "Age", age(state.sample.at - s.openedAt), "number")
    cell(row, "Up", size(s.bytesUp), "number"); cell(row, "Down", size(s.bytesDown), "number")
  })
  at("more").textContent = state.sessionCount > state.sessions.length ? "the newest " + state.sessions.length + " of " + state.sessionCount : ""
}
let opened = false
const connect = () => {
  const token = sessionStorage.getItem("token")
  const socket = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + "/v1/events", token ? ["berth", "berth.token." + token] : ["berth"])
  socket.onopen = () => { opened = true; at("ask").hidden = true; at("link").textContent = "live" }
  socket.onmessage = (event) => { const message = JSON.parse(event.data); if (message.type === "history") { samples = message.samples; chart() } else show(message) }
  socket.onclose = () => { at("link").textContent = "not connected"; at("ask").hidden = opened; opened = false; setTimeout(() => { if (at("ask").hidden) connect() }, 2000) }
}
at("ask").onsubmit = (event) => { event.preventDefault(); sessionStorage.setItem("token", at("token").value); at("ask").hidden = true; connect() }
connect()`

const head = (names: ReadonlyArray<string>, numbers: ReadonlyArray<string>): string =>
  names.map((name) => `<th${numbers.includes(name) ? ' class="number"' : ""}>${name}</th>`).join("")

export const page: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Berth gateway</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<header><h1>Berth gateway</h1><span id="link" role="status">connecting</span></header>
<form id="ask" hidden><label>Admin token <input id="token" type="password" autocomplete="current-password" required></label> <button>Show</button></form>
<section aria-label="Throughput">
<dl>
<div><dt>Live sessions</dt><dd id="open">–</dd></div>
<div><dt class="key" style="color:var(--up)">Up</dt><dd id="rateUp">–</dd></div>
<div><dt class="key" style="color:var(--down)">Down</dt><dd id="rateDown">–</dd></div>
<div><dt>Table revision</dt><dd id="revision">–</dd></div>
</dl>
<svg viewBox="0 0 600 160" preserveAspectRatio="none" role="img" aria-label="Bytes a second over the last five minutes">
<path id="up" fill="none" stroke="var(--up)" stroke-width="1.5" vector-effect="non-scaling-stroke"/>
<path id="down" fill="none" stroke="var(--down)" stroke-width="1.5" vector-effect="non-scaling-stroke"/>
</svg>
<small>last five minutes, at most <span id="most">–</span></small>
</section>
<section aria-label="Routes"><h2>Routes</h2><div class="scroll"><table class="cards"><thead><tr>${head(["Route", "Port", "Target", "Open", "Accepted", "Refused", "Up", "Down"], ["Open", "Accepted", "Refused", "Up", "Down"])}</tr></thead><tbody id="routes"></tbody></table></div></section>
<section aria-label="Sessions"><h2>Live sessions</h2><div class="scroll"><table class="cards"><thead><tr>${head(["Client", "Route", "Target", "Age", "Up", "Down"], ["Age", "Up", "Down"])}</tr></thead><tbody id="sessions"></tbody></table></div><small id="more"></small></section>
</main>
<script>${script}</script>
</body>
</html>
`

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

/** Nothing runs but the page's own script, and nothing is fetched. */
export const pagePolicy: string = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)} 'unsafe-hashes' ${hash("color:var(--up)")} ${hash("color:var(--down)")}`,
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")
