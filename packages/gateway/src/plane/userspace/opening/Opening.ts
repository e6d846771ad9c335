/**
 * What the first bytes of a connection say: who the client is (PROXY header), how it wants TLS to begin, which server
 * it asks for. Pure: bytes in, one decision out. Used on ports that need to know; the others never look.
 */
import type { Refusal } from "../../../client/Connection.ts"
import * as ClientHello from "./ClientHello.ts"
import * as Postgres from "./Postgres.ts"
import * as ProxyHeader from "./ProxyHeader.ts"

export interface Questions {
  /** A PROXY header must come first. */
  readonly proxy: boolean
  /** TLS must follow. */
  readonly tls: boolean
  /** Postgres may ask for TLS in its own way. */
  readonly postgres: boolean
}

export interface Answers {
  /** The real client and the address it dialled, when a PROXY header told. */
  readonly ends: ProxyHeader.Ends | undefined
  /** `cancel` is a Postgres CancelRequest, which older clients send without TLS. */
  readonly start: "plain" | "tls" | "postgres" | "cancel"
  readonly serverName: string | undefined
}

export type Step =
  | { readonly tag: "more" }
  /** Send this and read on. */
  | { readonly tag: "reply"; readonly bytes: Uint8Array }
  | { readonly tag: "refuse"; readonly reason: Refusal; readonly bytes: Uint8Array | undefined }
  /** Known; everything from `consumed` on belongs to the session. */
  | { readonly tag: "done"; readonly consumed: number; readonly answers: Answers }

/** A Postgres client asks at most for GSS and for TLS, once each. */
const mostQuestions = 2

const more: Step = { tag: "more" }
const refuse = (reason: Refusal, bytes?: Uint8Array): Step => ({ tag: "refuse", reason, bytes })

export class Opening {
  private readonly questions: Questions
  private consumed = 0
  private ends: ProxyHeader.Ends | undefined
  private proxyDone: boolean
  private asked = 0
  private viaPostgres = false

  constructor(questions: Questions) {
    this.questions = questions
    this.proxyDone = !questions.proxy
  }

  /** Bytes that are answered already. */
  get read(): number {
    return this.consumed
  }

  /** All bytes that came so far, from the first one on. */
  next(bytes: Uint8Array): Step {
    if (!this.proxyDone) {
      const header = ProxyHeader.parse(bytes)
      if (header.tag === "more") return more
      if (header.tag === "bad") return refuse("bad_proxy_header")
      this.proxyDone = true
      this.consumed = header.length
      this.ends = header.ends
    }
    if (!this.questions.tls) return this.done("plain", undefined)
    const rest = bytes.subarray(this.consumed)
    if (this.questions.postgres && !this.viaPostgres) {
      const question = Postgres.parseQuestion(rest)
      if (question === "more") return more
      if (question !== "other") return this.answer(question, rest.length)
    }
    return this.hello(rest)
  }

  private answer(question: "tls" | "gss" | "cancel" | "startup", length: number): Step {
    if (question === "startup") return refuse("tls_required", Postgres.tlsRequired)
    if (question === "cancel") return this.done("cancel", undefined)
    this.asked += 1
    // Bytes after the question were sent before TLS could protect them; taking them would let anyone slip words in.
    if (length > Postgres.questionLength || this.asked > mostQuestions) return refuse("bad_tls")
    this.consumed += Postgres.questionLength
    if (question === "gss") return { tag: "reply", bytes: Postgres.no }
    this.viaPostgres = true
    return { tag: "reply", bytes: Postgres.yes }
  }

  private hello(rest: Uint8Array): Step {
    const found = ClientHello.parse(rest)
    if (found.tag === "more") return more
    if (found.tag === "bad") return refuse(rest[0] === 22 ? "bad_tls" : "tls_required")
    return this.done(this.viaPostgres ? "postgres" : "tls", found.serverName)
  }

  private done(start: Answers["start"], serverName: string | undefined): Step {
    return { tag: "done", consumed: this.consumed, answers: { ends: this.ends, start, serverName } }
  }
}
