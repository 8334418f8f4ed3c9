// The bytes of one TCP connection under signals and deadlines, with back-pressure both ways; what they mean is decided above.
import { createConnection, type Socket } from 'node:net'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { underDeadline } from '../../../shared/waiting.ts'
import { ByteQueue } from './byte-queue.ts'

/** Beyond this the socket is paused, and TCP slows the terminal down. */
const HIGH_WATER = 4 * 1024 * 1024
const HANG_UP_MS = 250

export interface SocketPlace {
  readonly host: string
  readonly port: number
}

export class SocketPipe {
  readonly #socket: Socket
  readonly #name: string
  readonly #arrived = new ByteQueue()
  readonly #connected = Promise.withResolvers<void>()
  #wake: (() => void) | undefined
  #ended: SlotbenchError | undefined

  /** Starts connecting. @param name of the endpoint, for messages. */
  constructor({ host, port }: SocketPlace, name: string) {
    this.#name = name
    this.#connected.promise.catch(() => undefined)
    const socket = createConnection({ host, port, noDelay: true })
    this.#socket = socket
    socket.once('connect', () => this.#connected.resolve())
    socket.on('data', (chunk: Buffer<ArrayBuffer>) => {
      if (this.#ended) return
      this.#arrived.push(chunk)
      if (this.#arrived.length > HIGH_WATER) socket.pause()
      this.#wake?.()
    })
    socket.once('error', (error) =>
      this.#end(new SlotbenchError('network-failed', error.message, { cause: error })),
    )
    socket.once('close', () => this.#end(gone('the terminal closed the connection')))
    socket.once('end', () => this.#end(gone('the terminal closed the connection')))
  }

  /** @throws SlotbenchError `network-failed` when there is no connection in time. */
  async connected(o: IoOptions): Promise<void> {
    const late = () =>
      new SlotbenchError('network-failed', `${this.#name} did not accept the connection in time`)
    await underDeadline(this.#connected.promise, o, late)
  }

  /** Bytes that have arrived and were not taken. */
  get available(): number {
    return this.#arrived.length
  }

  /** Resolves once the kernel has taken everything: the pace is that of the terminal. Empty pieces are left out. What is
   * written in one turn of the event loop leaves together. */
  async write(pieces: readonly Uint8Array<ArrayBuffer>[], o: IoOptions): Promise<void> {
    if (this.#ended) throw this.#ended
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const last = pieces.findLastIndex((piece) => piece.length > 0)
    if (last < 0) return
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      process.nextTick(() => this.#socket.uncork())
    }
    for (const piece of pieces.slice(0, last)) this.#socket.write(piece)
    this.#socket.write(pieces[last] ?? '', (error) =>
      error ? reject(this.#ended ?? gone(error.message)) : resolve(),
    )
    await underDeadline(promise, o, () => silent('the terminal does not take the data'))
  }

  /** Until at least `count` bytes are there to be taken. */
  async atLeast(count: number, o: IoOptions): Promise<void> {
    while (this.#arrived.length < count) {
      if (this.#ended) throw this.#ended
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await underDeadline(promise, o, () => silent('no answer came in time'))
    }
  }

  /** Bytes that are there. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const bytes = this.#arrived.take(count)
    if (this.#arrived.length <= HIGH_WATER && this.#socket.isPaused()) this.#socket.resume()
    return bytes
  }

  /** Hangs up and waits a moment for the terminal to notice: it may serve only one connection at a time. */
  async close(): Promise<void> {
    this.#end(gone('the connection was closed here'))
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, HANG_UP_MS)
    this.#socket.once('close', () => resolve())
    if (this.#socket.closed || this.#socket.connecting) resolve()
    this.#socket.resume()
    this.#socket.end()
    await promise
    clearTimeout(timer)
    this.#socket.destroy()
  }

  #end(error: SlotbenchError): void {
    this.#ended ??= error
    this.#connected.reject(this.#ended)
    this.#wake?.()
  }
}

function gone(detail: string): SlotbenchError {
  return new SlotbenchError('terminal-gone', detail)
}

function silent(detail: string): SlotbenchError {
  return new SlotbenchError('terminal-silent', detail)
}
