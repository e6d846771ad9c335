import { Duplex } from "node:stream"
import { connect as connectTls } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ClientHello from "../src/plane/userspace/opening/ClientHello.ts"
import { Opening, type Step } from "../src/plane/userspace/opening/Opening.ts"
import * as Postgres from "../src/plane/userspace/opening/Postgres.ts"
import * as ProxyHeader from "../src/plane/userspace/opening/ProxyHeader.ts"
import { random } from "./support/net.ts"

const ends = { source: "203.0.113.7", sourcePort: 40000, destination: "198.51.100.1", destinationPort: 5432 }
const ends6 = { source: "2001:db8::7", sourcePort: 40000, destination: "2001:db8::1", destinationPort: 5432 }

/** The first flight of a real TLS client. */
const hello = (servername?: string): Promise<Buffer> =>
  new Promise((resolve) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer) => {
        resolve(bytes)
        setImmediate(() => client.destroy())
      }
    })
    const client = connectTls({ socket, ...(servername === undefined ? {} : { servername }) })
    client.on("error", () => undefined)
  })

const outcome = (step: Step): string =>
  step.tag === "refuse"
    ? step.reason
    : step.tag === "done"
      ? `${step.answers.start} ${step.answers.serverName}`
      : step.tag

describe("ProxyHeader", () => {
  it("reads back what it writes, in both versions and both families", () => {
    for (const each of [ends, ends6]) {
      for (const encode of [ProxyHeader.encodeV1, ProxyHeader.encodeV2]) {
        const header = encode(each)
        const parsed = ProxyHeader.parse(Buffer.concat([header, Buffer.from("more")]))
        assert.strictEqual(parsed.tag, "header")
        if (parsed.tag !== "header") return
        assert.strictEqual(parsed.length, header.length)
        assert.strictEqual(parsed.ends?.sourcePort, 40000)
        assert.deepStrictEqual(ProxyHeader.encodeV2(parsed.ends ?? ends), ProxyHeader.encodeV2(each))
      }
    }
  })

  it("waits for every header that is not whole, and takes it with its last byte", () => {
    for (const header of [ProxyHeader.encodeV1(ends), ProxyHeader.encodeV2(ends6)]) {
      for (let length = 0; length < header.length; length++) {
        assert.strictEqual(ProxyHeader.parse(header.subarray(0, length)).tag, "more")
      }
    }
  })

  it.each([
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
    "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
    "PROXY TCP4 ::1 5.6.7.8 1 2\r\n",
    "PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
    `PROXY TCP4 ${"1".repeat(200)}`,
    "GET / HTTP/1.1\r\n",
    "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c"
  ])("refuses %j", (text) => {
    assert.strictEqual(ProxyHeader.parse(Buffer.from(text.padEnd(16, "x"), "latin1")).tag, "bad")
  })
})

describe("Opening", () => {
  it.live("finds the server name a real client asks for, whole or byte by byte", () =>
    Effect.gen(function* () {
      const bytes = yield* Effect.promise(() => hello("Orders.Example.com"))
      for (let length = 1; length < bytes.length; length++) {
        assert.strictEqual(ClientHello.parse(bytes.subarray(0, length)).tag, "more")
      }
      assert.deepStrictEqual(ClientHello.parse(bytes), { tag: "hello", serverName: "orders.example.com" })
      const nameless = yield* Effect.promise(() => hello())
      assert.deepStrictEqual(ClientHello.parse(nameless), { tag: "hello", serverName: undefined })
    })
  )

  it("answers the questions of a Postgres client one after the other", () => {
    const opening = new Opening({ proxy: false, tls: true, postgres: true })
    const gss = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x30])
    assert.deepStrictEqual(opening.next(gss), { tag: "reply", bytes: Postgres.no })
    assert.deepStrictEqual(opening.next(Buffer.concat([gss, Postgres.sslRequest])), {
      tag: "reply",
      bytes: Postgres.yes
    })
  })

  it("refuses words that were slipped in between the question for TLS and TLS", () => {
    const opening = new Opening({ proxy: false, tls: true, postgres: true })
    assert.strictEqual(outcome(opening.next(Buffer.concat([Postgres.sslRequest, Buffer.from("x")]))), "bad_tls")
  })

  it("lets a cancel request through without TLS, and nothing else", () => {
    const questions = { proxy: false, tls: true, postgres: true }
    const cancel = Buffer.from([0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2])
    assert.strictEqual(outcome(new Opening(questions).next(cancel)), "cancel undefined")
    const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])
    const refused = new Opening(questions).next(startup)
    assert.strictEqual(outcome(refused), "tls_required")
    assert.include(refused.tag === "refuse" ? String(refused.bytes) : "", "sslmode=require")
  })

  it("decides about random bytes without throwing, a hundred thousand times", () => {
    const next = random(20_261_121)
    const starts = [
      Buffer.from("PROXY TCP4 "),
      Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"),
      Buffer.from([22, 3, 1]),
      Buffer.from([22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3]),
      Buffer.from([0, 0, 0, 8, 4, 0xd2]),
      Buffer.alloc(0)
    ]
    for (let round = 0; round < 100_000; round++) {
      const tail = Buffer.from(Array.from({ length: next(90) }, () => next(256)))
      const bytes = Buffer.concat([starts[next(starts.length)] ?? tail, tail])
      const opening = new Opening({ proxy: next(2) === 0, tls: next(2) === 0, postgres: next(2) === 0 })
      const step = opening.next(bytes)
      if (step.tag === "done") assert.isAtMost(step.consumed, bytes.length)
    }
  })

  it.live("decides about damaged client hellos without throwing", () =>
    Effect.gen(function* () {
      const bytes = yield* Effect.promise(() => hello("orders.example.com"))
      const next = random(7)
      for (let round = 0; round < 20_000; round++) {
        const damaged = Buffer.from(bytes.subarray(0, 1 + next(bytes.length)))
        for (let flips = next(4); flips >= 0; flips--) damaged[next(damaged.length)] = next(256)
        assert.include(["more", "bad", "hello"], ClientHello.parse(damaged).tag)
      }
    })
  )
})
