/** Certificates and authorities from files, read once, and again when a file has changed. */
import { readFileSync, statSync } from "node:fs"
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls"
import type { TargetTls, TlsOffer } from "../../client/Tls.ts"

type Terminate = Extract<TlsOffer, { mode: "terminate" }>

export interface Unreadable {
  readonly field: string
  readonly problem: string
}

interface Entry {
  readonly files: ReadonlyArray<string>
  readonly read: () => SecureContextOptions
  stamp: string
  context: SecureContext
}

const stampOf = (files: ReadonlyArray<string>): string =>
  files
    .map((file) => {
      const { mtimeMs, size, ino } = statSync(file)
      return `${file} ${mtimeMs} ${size} ${ino}`
    })
    .join("\n")

const because = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export class Certificates {
  private readonly entries = new Map<string, Entry>()

  /** The context of a route's own certificate, or what is wrong with its files. */
  served(tls: Terminate): SecureContext | Unreadable {
    const { certificate, key, minVersion = "1.2" } = tls
    return this.load(
      "tls.certificate",
      JSON.stringify(["served", certificate, key, minVersion]),
      [certificate, key],
      () => ({
        cert: readFileSync(certificate),
        key: readFileSync(key),
        minVersion: minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2"
      })
    )
  }

  /** The context in which a target's certificate is verified. */
  trusted(tls: TargetTls): SecureContext | Unreadable {
    const { ca } = tls
    return this.load("targetTls.ca", JSON.stringify(["trusted", ca ?? ""]), ca === undefined ? [] : [ca], () => ({
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
      minVersion: "TLSv1.2"
    }))
  }

  /**
   * Reads changed files again. One that cannot be used leaves the old one in service; `report` is told, each time, since
   * the old certificate will expire.
   */
  reload(report: (files: ReadonlyArray<string>, problem: string | undefined) => void): void {
    for (const entry of this.entries.values()) {
      try {
        const stamp = stampOf(entry.files)
        if (stamp === entry.stamp) continue
        entry.context = createSecureContext(entry.read())
        entry.stamp = stamp
        report(entry.files, undefined)
      } catch (error) {
        report(entry.files, because(error))
      }
    }
  }

  private load(
    field: string,
    key: string,
    files: ReadonlyArray<string>,
    read: () => SecureContextOptions
  ): SecureContext | Unreadable {
    const known = this.entries.get(key)
    if (known !== undefined) return known.context
    try {
      const stamp = stampOf(files)
      const entry = { files, read, stamp, context: createSecureContext(read()) }
      this.entries.set(key, entry)
      return entry.context
    } catch (error) {
      return { field, problem: because(error) }
    }
  }
}
