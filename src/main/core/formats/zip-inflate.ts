// A deflated zip member read as if it were a file: expanded from the front, several readers each at their own place.
import { Readable } from 'node:stream'
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import { type Bytes, bytes } from '../../../shared/units.ts'
import type { ByteSource } from '../source.ts'
import { readPieces } from './raw-image.ts'
import { beyondEnd } from './slice-source.ts'

export interface InflatedFacts {
  readonly size: number
  readonly crc32: number
}

/** Places in the stream that are kept open: partitions that are read side by side each go forward from their own. */
const MAX_CURSORS = 4
const CHUNK = 256 * 1024

/** Reading backwards starts again from the front; every pass that reaches the end has checked size and CRC-32. */
export class InflatingSource implements ByteSource {
  readonly name: string
  readonly size: Bytes
  readonly forwardOnly = true
  readonly #compressed: ByteSource
  readonly #facts: InflatedFacts
  /** The most recently used one last. */
  readonly #cursors: Cursor[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(compressed: ByteSource, facts: InflatedFacts) {
    this.name = compressed.name
    this.size = bytes(facts.size)
    this.#compressed = compressed
    this.#facts = facts
  }

  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    // One at a time, in the order of the calls: that is the order in which the bytes lie.
    const result = this.#last.then(() => this.#read(offset, length, signal))
    this.#last = result.catch(() => {})
    return result
  }

  async close(): Promise<void> {
    for (const cursor of this.#cursors.splice(0)) cursor.close()
  }

  async #read(offset: number, length: number, signal: AbortSignal | undefined) {
    if (offset < 0 || length < 0 || offset + length > this.size) throw beyondEnd(this.name, offset + length)
    const cursor = this.#cursorFor(offset)
    try {
      await cursor.skipTo(offset, signal)
      const result = await cursor.take(length, signal)
      this.#cursors.push(cursor)
      if (this.#cursors.length > MAX_CURSORS) this.#cursors.shift()?.close()
      return result
    } catch (error) {
      cursor.close()
      throw error
    }
  }

  /** Takes the nearest cursor before `offset` out of the list, or makes one. */
  #cursorFor(offset: number): Cursor {
    let best: Cursor | undefined
    for (const cursor of this.#cursors)
      if (cursor.position <= offset && (best === undefined || cursor.position > best.position)) best = cursor
    if (best === undefined) return new Cursor(this.#compressed, this.#facts)
    this.#cursors.splice(this.#cursors.indexOf(best), 1)
    return best
  }
}

class Cursor {
  position = 0
  readonly #name: string
  readonly #facts: InflatedFacts
  readonly #stop = new AbortController()
  readonly #inflate: InflateRaw
  readonly #chunks: AsyncIterator<Buffer>
  readonly #compressedSize: number
  #rest: Uint8Array = new Uint8Array(0)
  #produced = 0
  #crc = 0

  constructor(compressed: ByteSource, facts: InflatedFacts) {
    this.#name = compressed.name
    this.#facts = facts
    this.#compressedSize = compressed.size
    this.#inflate = createInflateRaw({ chunkSize: CHUNK })
    const input = Readable.from(this.#pieces(compressed), { highWaterMark: 1 })
    input.on('error', (error) => this.#inflate.destroy(error))
    this.#inflate.on('close', () => input.destroy())
    this.#chunks = input.pipe(this.#inflate)[Symbol.asyncIterator]()
  }

  async skipTo(offset: number, signal: AbortSignal | undefined): Promise<void> {
    while (this.position < offset) this.#advance(await this.#some(signal), offset - this.position)
  }

  async take(length: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const result = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const part = (await this.#some(signal)).subarray(0, length - done)
      result.set(part, done)
      done += part.length
      this.#advance(part, part.length)
    }
    if (this.position === this.#facts.size) await this.#checkEnd()
    return result
  }

  close(): void {
    this.#stop.abort()
    this.#inflate.destroy()
  }

  #advance(available: Uint8Array, wanted: number): void {
    const length = Math.min(available.length, wanted)
    this.#rest = this.#rest.subarray(length)
    this.position += length
  }

  /** Bytes at the position, at least one. */
  async #some(signal: AbortSignal | undefined): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      if (signal?.aborted) throw abortError(signal)
      if (!(await this.#expand()))
        throw this.#invalid(`holds ${this.#produced} bytes, its directory says ${this.#facts.size}`)
    }
    return this.#rest
  }

  async #checkEnd(): Promise<void> {
    if (await this.#expand()) throw this.#invalid('goes on after its end')
    if (this.#inflate.bytesWritten !== this.#compressedSize)
      throw this.#invalid('has bytes after the end of its compressed data')
    if (this.#crc !== this.#facts.crc32)
      throw new SlotbenchError('digest-mismatch', `zip member ${this.#name} does not have its CRC-32`)
  }

  /** One more chunk, never beyond the size that was promised. @returns false at the end. */
  async #expand(): Promise<boolean> {
    const next = await this.#next()
    if (next === undefined) return false
    this.#produced += next.length
    if (this.#produced > this.#facts.size)
      throw this.#invalid(`expands to more than the ${this.#facts.size} bytes that its directory says`)
    this.#crc = crc32(next, this.#crc)
    this.#rest = next
    return true
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const next = await this.#chunks.next()
      return next.done ? undefined : next.value
    } catch (error) {
      if (error instanceof SlotbenchError) throw error
      const detail = error instanceof Error ? error.message : String(error)
      throw new SlotbenchError('decode-failed', `zip member ${this.#name} cannot be expanded (${detail})`, {
        cause: error,
      })
    }
  }

  async *#pieces(compressed: ByteSource): AsyncGenerator<Uint8Array> {
    const range = { start: 0, length: compressed.size, signal: this.#stop.signal }
    for await (const piece of readPieces(compressed, range)) yield piece.bytes
  }

  #invalid(detail: string): SlotbenchError {
    return new SlotbenchError('zip-invalid', `zip member ${this.#name} ${detail}`)
  }
}
