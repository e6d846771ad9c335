/**
 * The keys that seal secrets, by id. New secrets are sealed with the primary key; the others are kept for what they
 * sealed. To change the key, add one, make it the primary one and open Berth: it seals everything anew.
 */
import { randomBytes } from "node:crypto"
import { readFile, rename, writeFile } from "node:fs/promises"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { DataDir } from "../store/DataDir.ts"
import { StoreFailed } from "../store/StoreError.ts"

/** The file of keys is missing or damaged, and the store holds secrets that were sealed with them. */
export class KeysUnreadable extends Schema.TaggedError<KeysUnreadable>()("KeysUnreadable", {
  file: Schema.String,
  detail: Schema.String
}) {
  readonly code = "KEYS_UNREADABLE"
  override get message(): string {
    return `The key ring ${this.file} cannot be used: ${this.detail}. Put back a copy of the file; without it the secrets in the store cannot be opened.`
  }
}

/** AES-256 takes 32 bytes, 43 characters and one `=` in base 64. */
const KeyText = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^[A-Za-z0-9+/]{43}=$/, { message: "must be 32 bytes in base 64" })),
  Schema.decodeTo(Schema.RedactedFromValue(Schema.String))
)

export const KeyFile = Schema.Struct({
  /** Id of the key that seals. */
  primary: Schema.String,
  /** Keys by id: `^[a-z0-9-]{1,32}$`. */
  keys: Schema.Record(
    Schema.String.pipe(Schema.check(Schema.isPattern(/^[a-z0-9-]{1,32}$/, { message: "must be an id of a key" }))),
    KeyText
  )
})

export interface Keys {
  readonly primary: string
  readonly keys: Readonly<Record<string, Redacted.Redacted>>
}

const decodeFile = Schema.decodeUnknownEffect(Schema.fromJsonString(KeyFile))

const read = (file: string, text: string): Effect.Effect<Keys, KeysUnreadable> =>
  decodeFile(text).pipe(
    // What the decoder says might quote a key.
    Effect.mapError(() => new KeysUnreadable({ file, detail: "it is not a key ring" })),
    Effect.filterOrFail(
      (keys) => keys.keys[keys.primary] !== undefined,
      (keys) => new KeysUnreadable({ file, detail: `its primary key "${keys.primary}" is not in it` })
    )
  )

const draw = (file: string): Effect.Effect<Keys, StoreFailed | KeysUnreadable> =>
  Effect.suspend(() => {
    const text = JSON.stringify({ primary: "k1", keys: { k1: randomBytes(32).toString("base64") } }, null, 2)
    return Effect.tryPromise({
      // Whole or not at all. Nobody else writes it: the data directory is open in this process only.
      try: async () => {
        await writeFile(`${file}.half`, `${text}\n`, { mode: 0o600, flush: true })
        await rename(`${file}.half`, file)
      },
      catch: (cause) => {
        const full = cause instanceof Error && "code" in cause && cause.code === "ENOSPC"
        return new StoreFailed({ detail: `cannot write ${file}: ${String(cause)}`, full })
      }
    }).pipe(Effect.andThen(read(file, text)))
  })

export class KeyRing extends Context.Service<KeyRing, Keys>()("@berth/sdk/KeyRing") {
  /** Keys that the embedder keeps elsewhere, checked as those of the file are. Each is 32 bytes in base 64. */
  static readonly layer = ({ keys, primary }: Keys): Layer.Layer<KeyRing, KeysUnreadable> =>
    Layer.effect(
      KeyRing,
      Effect.suspend(() => {
        const plain = Object.entries(keys).map(([id, key]) => [id, Redacted.value(key)])
        return read("that was passed in", JSON.stringify({ primary, keys: Object.fromEntries(plain) }))
      }).pipe(Effect.map(KeyRing.of))
    )

  /** The file in the data directory, made with the directory itself and never made again. */
  static readonly layerFile: Layer.Layer<KeyRing, KeysUnreadable | StoreFailed, DataDir> = Layer.effect(
    KeyRing,
    Effect.gen(function* () {
      const { keys: file, isOld } = yield* DataDir
      const text = yield* Effect.tryPromise(() => readFile(file, "utf8")).pipe(Effect.orElseSucceed(() => undefined))
      if (text !== undefined) return KeyRing.of(yield* read(file, text))
      if (isOld) return yield* new KeysUnreadable({ file, detail: "it is missing" })
      return KeyRing.of(yield* draw(file))
    })
  )
}
