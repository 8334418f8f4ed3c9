// ADB over TCP, as `adb connect HOST:PORT` expects it: the packets of USB on one socket for each host.
import type { Socket } from 'node:net'
import { type ByteLink, isAdbMode } from './adb-service.ts'
import { LinkLost } from './host-link.ts'
import { drained, listenTcp, MOST_WAITING, type TcpOptions, type TcpPort } from './listen-tcp.ts'
import type { SimulatedTerminal } from './terminal.ts'
import { Throttle } from './throttle.ts'

/** Lets other programs reach the terminal in every mode that has ADB: `adb connect 127.0.0.1:PORT`.
 * @throws SlotbenchError `host-io` when the port cannot be listened on. */
export function serveAdbTcp(terminal: SimulatedTerminal, options: TcpOptions): Promise<TcpPort> {
  const wire = new Throttle(options.bytesPerSecond)
  return listenTcp(options, (socket) => {
    const link = new TcpByteLink(socket, wire)
    if (isAdbMode(terminal.state)) void terminal.adb.serve(link)
    else link.close('abrupt')
  })
}

class TcpByteLink implements ByteLink {
  readonly #socket: Socket
  readonly #wire: Throttle
  readonly #chunks: Uint8Array<ArrayBuffer>[] = []
  #waiting = 0
  #lost = false
  #closed = false
  #wake: () => void = () => {}

  constructor(socket: Socket, wire: Throttle) {
    this.#socket = socket
    this.#wire = wire
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#arrived(chunk as Uint8Array<ArrayBuffer>))
    socket.on('error', () => {})
    socket.on('end', () => this.#lose())
    socket.on('close', () => this.#lose())
  }

  async read(): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#waiting -= chunk.length
        if (this.#waiting <= MOST_WAITING / 2 && this.#socket.isPaused()) this.#socket.resume()
        await this.#wire.pass(chunk.length)
        return chunk
      }
      if (this.#lost) throw new LinkLost('the connection is closed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** What is written in one turn of the event loop (header and payload, an answer and the next request) goes out as one. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#socket.destroyed) throw new LinkLost('the connection is closed')
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      setImmediate(() => this.#socket.uncork())
    }
    this.#socket.write(bytes)
    if (this.#socket.writableNeedDrain) await drained(this.#socket)
  }

  /** The first word counts: what was written before an orderly end still goes out. */
  close(how: 'orderly' | 'abrupt'): void {
    if (this.#closed) return
    this.#closed = true
    if (how === 'abrupt') this.#socket.destroy()
    else this.#socket.end(() => this.#socket.destroy())
    this.#lose()
  }

  #arrived(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(chunk)
    this.#waiting += chunk.length
    if (this.#waiting > MOST_WAITING) this.#socket.pause()
    this.#wake()
  }

  #lose(): void {
    this.#lost = true
    this.#wake()
  }
}
