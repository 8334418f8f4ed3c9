// One stream of an ADB connection: what a service reads and writes, with one unanswered WRTE at a time in each direction.
import { setTimeout as delay } from 'node:timers/promises'
import { COMMAND, type PacketWriter } from './wire.ts'

/** Thrown to a service whose stream the host has closed. */
export class StreamClosed extends Error {
  override readonly name = 'StreamClosed'
}

/** Bytes that a service may leave lying before the host has to wait (the socket buffer between adbd and its services). */
const MOST_WAITING = 1024 * 1024

export interface StreamOptions {
  readonly localId: number
  readonly remoteId: number
  /** The most that one WRTE may carry. */
  readonly maxData: number
  readonly writer: PacketWriter
}

export class AdbStream {
  readonly #options: StreamOptions
  #queue: Uint8Array<ArrayBuffer>[] = []
  #waiting = 0
  /** The host's last WRTE is still to be answered. */
  #owed = false
  /** Ours has been answered. */
  #ready = false
  #closed = false
  #wakeReader: () => void = () => {}
  #wakeWriter: () => void = () => {}
  #writing: Promise<void> = Promise.resolve()
  #hostGone: () => void = () => {}
  readonly #host = new Promise<void>((resolve) => {
    this.#hostGone = resolve
  })

  constructor(options: StreamOptions) {
    this.#options = options
  }

  /** The next bytes that the host sent; undefined at the end. @param most how many at the most. */
  async read(most = Number.POSITIVE_INFINITY): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#queue.length === 0) {
      if (this.#closed) return undefined
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
    const first = this.#queue.shift() ?? new Uint8Array(0)
    if (first.length > most) this.#queue.unshift(first.subarray(most))
    const piece = first.length > most ? first.subarray(0, most) : first
    this.#waiting -= piece.length
    if (this.#owed && this.#waiting < MOST_WAITING) this.#answer()
    return piece
  }

  /** Exactly `target.length` bytes. @throws StreamClosed when the host closes before. */
  async fill(target: Uint8Array): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const piece = await this.read(target.length - filled)
      if (piece === undefined) throw new StreamClosed('the host closed the stream')
      target.set(piece, filled)
      filled += piece.length
    }
  }

  /** Resolves when all of it is on its way. @throws StreamClosed when the host has closed. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const written = this.#writing.then(() => this.#write(bytes))
    this.#writing = written.catch(() => {})
    return written
  }

  /** Accepts the stream, as the answer to OPEN. */
  accept(): Promise<void> {
    this.#ready = true
    const { writer, localId, remoteId } = this.#options
    return writer.send(COMMAND.okay, localId, remoteId)
  }

  /** From this side; what was written before still reaches the host. */
  async close(): Promise<void> {
    await this.#writing
    if (this.#closed) return
    this.#end()
    const { writer, localId, remoteId } = this.#options
    await writer.send(COMMAND.clse, localId, remoteId)
  }

  /** Resolves when the host has closed too, or is gone, or after `ms`. */
  async farewell(ms: number): Promise<void> {
    await Promise.race([this.#host, delay(ms, undefined, { ref: false })])
  }

  /** The host has closed, or is gone. */
  hostClosed(): void {
    this.#end()
    this.#hostGone()
  }

  /** A WRTE of the host. */
  arrived(bytes: Uint8Array<ArrayBuffer>): void {
    this.#owed = true
    if (bytes.length > 0) this.#queue.push(bytes)
    this.#waiting += bytes.length
    if (this.#waiting < MOST_WAITING) this.#answer()
    this.#wakeReader()
  }

  /** An OKAY of the host. */
  acknowledged(): void {
    this.#ready = true
    this.#wakeWriter()
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { writer, localId, remoteId, maxData } = this.#options
    for (let at = 0; at < bytes.length; at += maxData) {
      while (!this.#ready && !this.#closed) {
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve
        })
      }
      if (this.#closed) throw new StreamClosed('the host closed the stream')
      this.#ready = false
      await writer.send(COMMAND.wrte, localId, remoteId, bytes.subarray(at, at + maxData))
    }
  }

  #end(): void {
    this.#closed = true
    this.#wakeReader()
    this.#wakeWriter()
  }

  /** A host that is gone is noticed by whoever reads its packets. */
  #answer(): void {
    this.#owed = false
    const { writer, localId, remoteId } = this.#options
    writer.send(COMMAND.okay, localId, remoteId).catch(() => {})
  }
}
