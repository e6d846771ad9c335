/**
 * As much of the tar format (POSIX.1-1988, "ustar") as the Docker Engine's archive calls need: small files in, one
 * small file out.
 */
const block = 512

export interface TarFile {
  /** Absolute path, at most 99 bytes. */
  readonly path: string
  readonly text: string
  /** Permission bits, such as `0o400`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface TarFolder {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`

const header = (entry: TarFolder, size: number, kind: "0" | "5", modified: number): Buffer => {
  const bytes = Buffer.alloc(block)
  bytes.write(entry.path.replace(/^\/+/, ""), 0, 99, "utf8")
  bytes.write(octal(entry.mode, 8), 100)
  bytes.write(octal(entry.uid, 8), 108)
  bytes.write(octal(entry.gid, 8), 116)
  bytes.write(octal(size, 12), 124)
  bytes.write(octal(modified, 12), 136)
  bytes.write("        ", 148)
  bytes.write(kind, 156)
  bytes.write("ustar\x0000", 257)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return bytes
}

/** An archive of `folders`, then `files`. `modified` is in seconds since the epoch: servers see by it that a file has changed. */
export const pack = (folders: ReadonlyArray<TarFolder>, files: ReadonlyArray<TarFile>, modified: number): Buffer =>
  Buffer.concat([
    ...folders.map((folder) => header({ ...folder, path: `${folder.path}/` }, 0, "5", modified)),
    ...files.flatMap((file) => {
      const content = Buffer.from(file.text, "utf8")
      const padding = Buffer.alloc((block - (content.length % block)) % block)
      return [header(file, content.length, "0", modified), content, padding]
    }),
    Buffer.alloc(2 * block)
  ])

/** Content of the first regular file in an archive, or `undefined` when there is none. */
export const firstFile = (archive: Buffer): string | undefined => {
  for (let at = 0; at + block <= archive.length; ) {
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 135), 8)
    const kind = archive.toString("latin1", at + 156, at + 157)
    if (Number.isNaN(size)) return undefined
    if (kind === "0" || kind === "\0") return archive.toString("utf8", at + block, at + block + size)
    at += block + Math.ceil(size / block) * block
  }
  return undefined
}
