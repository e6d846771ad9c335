import { createHash } from "node:crypto"
import { createServer } from "node:http"
import { gzipSync } from "node:zlib"
import { type Engine, redis } from "@berth/engines"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { pack } from "../../src/docker/tar.ts"
import * as Fixture from "./fixture.ts"

const digestOf = (data: string | Uint8Array) => `sha256:${createHash("sha256").update(data).digest("hex")}`

/** A registry on loopback with one image of two layers, which speaks as much of its protocol as a pull needs. */
const registry = Effect.acquireRelease(
  Effect.promise(async () => {
    const texts = { "/etc/passwd": "redis:x:999:999::/:/one\n", "/one": Fixture.randomText(2_000) }
    const layers = Object.entries(texts).map(([path, text]) =>
      pack([], [{ path, text, mode: 0o444, uid: 0, gid: 0 }], 0)
    )
    const config = JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Cmd: ["/one"] },
      rootfs: { type: "layers", diff_ids: layers.map(digestOf) }
    })
    const packed = layers.map((layer) => gzipSync(layer))
    const part = (kind: string, data: string | Buffer) => ({
      mediaType: `application/vnd.docker.${kind}`,
      size: data.length,
      digest: digestOf(data)
    })
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      config: part("container.image.v1+json", config),
      layers: packed.map((layer) => part("image.rootfs.diff.tar.gzip", layer))
    })
    const blobs = new Map([config, ...packed].map((data) => [digestOf(data), data]))
    const server = createServer((request, response) => {
      const path = request.url ?? ""
      const blob = blobs.get(path.split("/").at(-1) ?? "")
      if (path.startsWith("/v2/berth-test/manifests/")) {
        response.setHeader("content-type", "application/vnd.docker.distribution.manifest.v2+json")
        response.setHeader("docker-content-digest", digestOf(manifest))
        response.setHeader("content-length", Buffer.byteLength(manifest))
        response.end(request.method === "HEAD" ? undefined : manifest)
      } else if (blob !== undefined) {
        response.end(blob)
      } else {
        response.statusCode = path === "/v2/" ? 200 : 404
        response.end("{}")
      }
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const at = server.address()
    const port = typeof at === "object" && at !== null ? at.port : 0
    const close = () => {
      server.closeAllConnections()
      server.close()
    }
    return { image: `127.0.0.1:${port}/berth-test:1`, digest: digestOf(manifest), close }
  }),
  ({ image, close }) =>
    Effect.promise(async () => {
      close()
      await Fixture.engine
        .getImage(image)
        .remove({ force: true })
        .catch(() => {})
    })
)

await Fixture.withDocker("an image that is not there", [], () => {
  it.live("is fetched with a line for each layer, and then used without a network", () =>
    Effect.gen(function* () {
      const { image, digest, close } = yield* registry
      const { runtime } = yield* Fixture.harbour()
      const engine: Engine.Engine = { ...redis, versions: { "8": { image } } }
      const { spec } = Fixture.database(runtime, engine, { version: "8" })
      const said: Array<string> = []
      const progress = (line: string) => Effect.sync(() => void said.push(line))
      yield* runtime.prepare(spec, progress)
      assert.strictEqual(said[0], `Fetching the image ${image}`)
      assert.strictEqual(said.filter((line) => /^Layer [0-9a-f]+: pull complete \([12] of 2\)$/.test(line)).length, 2)
      assert.strictEqual(said.at(-1), `Using the image ${image}, ${digest}`)
      close()
      yield* runtime.prepare(spec, Fixture.quiet)
      yield* runtime.create(spec, Fixture.quiet)
      assert.deepStrictEqual((yield* runtime.inspect(spec.id))?.image, { reference: image, digest })
      yield* runtime.remove(spec.id)
    })
  )

  it.live("and that its registry does not have is an error that says so, and is not tried again", () =>
    Effect.gen(function* () {
      const { image } = yield* registry
      const { runtime } = yield* Fixture.harbour()
      const engine: Engine.Engine = {
        ...redis,
        versions: { "8": { image: image.replace("/berth-test:1", "/v3/x:1") } }
      }
      const { spec } = Fixture.database(runtime, engine, { version: "8" })
      const error = yield* Effect.flip(runtime.prepare(spec, Fixture.quiet))
      assert.strictEqual(error.reason._tag, "ImageMissing")
    })
  )
})
