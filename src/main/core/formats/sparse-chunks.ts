// Walks the chunks of a sparse image in order, from wherever an offset of the expanded image needs them.
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { ByteSource } from '../source.ts'
import { RecordReader } from './record-reader.ts'
import { CHUNK, CHUNK_HEADER_SIZE, type SparseHeader } from './sparse-format.ts'

export interface SparseChunk {
  readonly kind: keyof typeof CHUNK
  /** Where it goes in the expanded image, and how long it is there; 0 for a checksum. */
  readonly offset: number
  readonly length: number
  /** Where its data begins in the file. */
  readonly dataAt: number
  /** The repeated word of a fill, or the checksum. */
  readonly value: number
}

interface Place {
  readonly chunk: number
  readonly fileOffset: number
  readonly imageOffset: number
}

/** Headers that follow each other closely (fills, don't-cares) come out of one read of this size. */
const WINDOW = 16 * 1024
/** Places remembered on the way, so that starting at an offset does not read every header before it. */
const MAX_PLACES = 4096

export class SparseChunks {
  readonly #source: ByteSource
  readonly #header: SparseHeader
  readonly #places: Place[]
  readonly #placeEvery: number

  constructor(source: ByteSource, header: SparseHeader) {
    this.#source = source
    this.#header = header
    this.#places = [{ chunk: 0, fileOffset: header.headerSize, imageOffset: 0 }]
    this.#placeEvery = Math.max(64, Math.ceil(header.chunkCount / MAX_PLACES))
  }

  /** The chunks from the one that holds image offset `from`, or at most a few before it.
   * @throws SlotbenchError `sparse-invalid` when one contradicts the file or the header. */
  async *from(from: number, signal: AbortSignal): AsyncGenerator<SparseChunk> {
    const { chunkCount, blockSize, totalBlocks } = this.#header
    const window = new ReadWindow(this.#source, signal)
    let { chunk, fileOffset, imageOffset } = this.#placeBefore(from)
    for (; chunk < chunkCount; chunk++) {
      if (signal.aborted) throw abortError(signal)
      this.#remember({ chunk, fileOffset, imageOffset })
      const { found, size } = await this.#read(window, { chunk, fileOffset, imageOffset })
      fileOffset += size
      imageOffset += found.length
      if (imageOffset > totalBlocks * blockSize)
        throw invalid(`chunk ${chunk} reaches beyond the ${totalBlocks} blocks of the image`)
      yield found
    }
    if (imageOffset !== totalBlocks * blockSize)
      throw invalid(`the chunks cover ${imageOffset / blockSize} of ${totalBlocks} blocks`)
  }

  async #read(
    window: ReadWindow,
    at: Place,
  ): Promise<{ readonly found: SparseChunk; readonly size: number }> {
    const { chunkHeaderSize, blockSize } = this.#header
    const reader = new RecordReader(
      await window.read(at.fileOffset, CHUNK_HEADER_SIZE),
      'little',
      'sparse-invalid',
    )
    const type = reader.u16()
    const [blocks, size] = [reader.skip(2).u32(), reader.u32()]
    const length = blocks * blockSize
    const dataAt = at.fileOffset + chunkHeaderSize
    const kind = kindOf(type) ?? reader.fail(`chunk ${at.chunk} is of unknown type ${type.toString(16)}`)
    const dataSize = kind === 'raw' ? length : kind === 'dontCare' ? 0 : 4
    if (size !== chunkHeaderSize + dataSize || (kind === 'crc32' && blocks !== 0))
      reader.fail(`chunk ${at.chunk} (${kind}, ${blocks} blocks) says it takes ${size} bytes`)
    if (dataAt + dataSize > this.#source.size)
      throw new SlotbenchError(
        'source-truncated',
        `chunk ${at.chunk} ends beyond the end of ${this.#source.name}`,
      )
    const value = dataSize === 4 && kind !== 'raw' ? await window.u32(dataAt) : 0
    return { found: { kind, offset: at.imageOffset, length, dataAt, value }, size }
  }

  #placeBefore(offset: number): Place {
    let [low, high] = [0, this.#places.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#places[middle]?.imageOffset ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return this.#places[low] ?? { chunk: 0, fileOffset: this.#header.headerSize, imageOffset: 0 }
  }

  #remember(place: Place): void {
    const last = this.#places.at(-1)
    if (last !== undefined && place.chunk >= last.chunk + this.#placeEvery) this.#places.push(place)
  }
}

/** Small reads served from one larger one. */
class ReadWindow {
  readonly #source: ByteSource
  readonly #signal: AbortSignal
  #start = 0
  #bytes: Uint8Array = new Uint8Array(0)

  constructor(source: ByteSource, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < this.#start || offset + length > this.#start + this.#bytes.byteLength) {
      if (offset + length > this.#source.size)
        throw new SlotbenchError('source-truncated', `${this.#source.name} ends inside its table of chunks`)
      this.#bytes = await this.#source.read(
        offset,
        Math.min(WINDOW, this.#source.size - offset),
        this.#signal,
      )
      this.#start = offset
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length)
  }

  async u32(offset: number): Promise<number> {
    return new RecordReader(await this.read(offset, 4), 'little', 'sparse-invalid').u32()
  }
}

function kindOf(type: number): keyof typeof CHUNK | undefined {
  const kinds = Object.keys(CHUNK) as (keyof typeof CHUNK)[]
  return kinds.find((kind) => CHUNK[kind] === type)
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('sparse-invalid', detail)
}
