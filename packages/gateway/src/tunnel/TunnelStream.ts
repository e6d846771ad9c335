/**
 * A byte stream over a WebSocket that can end one direction and go on in the other, which WebSockets by themselves
 * cannot: bytes are binary messages, and the text message `end` says that no more will come. A socket that closes without
 * it has broken off.
 */
import { Duplex } from "node:stream"
import { WebSocket } from "ws"

const endMark = "end"
/** Bytes that wait to be read before the WebSocket is no longer read from. */
const highWaterMark = 65_536

export class TunnelStream extends Duplex {
  private readonly socket: WebSocket
  private receivedEnd = false

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: true, highWaterMark, autoDestroy: true })
    this.socket = socket
    socket.on("message", (data, isBinary) => {
      if (isBinary && Buffer.isBuffer(data)) {
        if (!this.push(data)) socket.pause()
      } else if (!isBinary && String(data) === endMark && !this.receivedEnd) {
        this.receivedEnd = true
        this.push(null)
      } else this.destroy(new Error("the other end of the tunnel sent what is no part of it"))
    })
    socket.on("close", () => {
      if (this.receivedEnd && this.writableFinished) this.destroy()
      else this.destroy(new Error("the tunnel broke off"))
    })
    socket.on("error", (error) => this.destroy(error))
  }

  override _read(): void {
    if (this.socket.isPaused) this.socket.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.opened(() => this.socket.send(chunk, { binary: true }, done), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.opened(() => this.socket.send(endMark, { binary: false }, done), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error !== null || !this.receivedEnd || !this.writableFinished) this.socket.terminate()
    else this.socket.close(1000)
    done(error)
  }

  private opened(then: () => void, failed: (error: Error) => void): void {
    if (this.socket.readyState === WebSocket.OPEN) then()
    else if (this.socket.readyState === WebSocket.CONNECTING) this.socket.once("open", then)
    else failed(new Error("the tunnel is closed"))
  }
}
