// Streaming bzip2 of any size, block by block, on the decoder inside unbzip2-stream.
// Its own stream interface decodes all it was given at once and collects a block in an array of numbers: a small input
// that expands a thousandfold would fill the memory. Here one block (at most 46 MB expanded) is in memory at a time.
import bitIterator, { type BitReader } from 'unbzip2-stream/lib/bit_iterator.js'
import bzip2 from 'unbzip2-stream/lib/bzip2.js'
import type { Pull } from './codecs.ts'

const CHUNK = 256 * 1024
const BLOCK_UNIT = 100_000
/** A compressed block is at most a little longer than the block itself (bzip2 manual: 1 % and 600 bytes). */
const BLOCK_MARGIN = 25_000

/** @param limit bytes of output at which decoding stops with an error. */
export async function* unbzip2(pull: Pull, limit: number): AsyncGenerator<Uint8Array> {
  const queue: Uint8Array[] = []
  let supplied = 0
  let ended = false
  let bits: BitReader | undefined
  const unread = () => supplied - (bits?.bytesRead ?? 0)
  const ensure = async (wanted: number) => {
    while (!ended && unread() < wanted) {
      const part = await pull()
      ended = part === undefined
      if (part === undefined || part.length === 0) continue
      queue.push(part)
      supplied += part.length
    }
  }
  const output = new ByteCollector(limit)
  for (await ensure(4); unread() > 0; await ensure(4)) {
    // It takes its first buffer when it is made, so there has to be one.
    bits ??= bitIterator(() => queue.shift())
    const units = bzip2.header(bits)
    const work = new Int32Array(units * BLOCK_UNIT)
    let crc: number | null = 0
    while (crc !== null) {
      await ensure(units * BLOCK_UNIT + BLOCK_MARGIN)
      crc = bzip2.decompress(bits, output.add, work, work.length, crc)
      yield* output.take()
    }
  }
}

class ByteCollector {
  readonly #limit: number
  readonly #full: Uint8Array[] = []
  #chunk = new Uint8Array(CHUNK)
  #used = 0
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  readonly add = (byte: number): void => {
    if (++this.#total > this.#limit) throw new Error(`more than ${this.#limit} bytes come out`)
    if (this.#used === CHUNK) {
      this.#full.push(this.#chunk)
      this.#chunk = new Uint8Array(CHUNK)
      this.#used = 0
    }
    this.#chunk[this.#used++] = byte
  };

  /** All bytes since the last call; each chunk is valid until the next call of `add`. */
  *take(): Generator<Uint8Array> {
    yield* this.#full
    this.#full.length = 0
    yield this.#chunk.subarray(0, this.#used)
    this.#used = 0
  }
}
