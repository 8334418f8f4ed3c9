// One sparse file in the making: takes runs of blocks until its size limit is reached.
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { joinBytes } from './join-bytes.ts'
import type { BlockRun } from './sparse-blocks.ts'
import { CHUNK, CHUNK_HEADER_SIZE, SPARSE_HEADER_SIZE, SPARSE_MAGIC } from './sparse-format.ts'

/** A complete sparse file of the whole image in which everything outside `start`..`end` is don't-care. */
export interface SparsePiece {
  /** Bytes of the sparse file: the sum of `parts`. */
  readonly size: number
  /** Bytes of the image that the piece carries as data or fill. */
  readonly imageBytes: number
  /** The range of the image it stands for. Pieces follow each other without gaps, from 0 to the image's size. */
  readonly start: number
  readonly end: number
  /** The file, in order. */
  readonly parts: readonly Uint8Array[]
}

export interface PieceGeometry {
  readonly blockSize: number
  readonly totalBlocks: number
  readonly imageSize: number
  /** Bytes that the file may have. */
  readonly limit: number
}

type Chunk =
  | { readonly kind: 'raw'; blocks: number; readonly parts: Uint8Array[] }
  | { readonly kind: 'fill'; blocks: number; readonly word: number }
  | { readonly kind: 'skip'; blocks: number }

/** The file header and a don't-care before and after are always accounted for. */
const FRAME = SPARSE_HEADER_SIZE + 2 * CHUNK_HEADER_SIZE
const FILL_SIZE = CHUNK_HEADER_SIZE + 4
/** Parts shorter than this are joined: sending thousands of 12-byte headers one by one is slow. */
const JOIN_BELOW = 64 * 1024

export class SparsePieceBuilder {
  readonly #geometry: PieceGeometry
  readonly #startBlock: number
  readonly #chunks: Chunk[] = []
  #nextBlock: number
  #size = FRAME

  /** @param startBlock the first block of the image that is not in an earlier piece.
   * @throws SlotbenchError `image-too-large` when not even one block fits the limit. */
  constructor(geometry: PieceGeometry, startBlock: number) {
    const least = FRAME + CHUNK_HEADER_SIZE + geometry.blockSize
    if (!(geometry.limit >= least))
      throw new SlotbenchError(
        'image-too-large',
        `a download limit of ${geometry.limit} bytes; ${least} are needed`,
      )
    this.#geometry = geometry
    this.#startBlock = startBlock
    this.#nextBlock = startBlock
  }

  /** The block after the last one taken. */
  get nextBlock(): number {
    return this.#nextBlock
  }

  get empty(): boolean {
    return this.#nextBlock === this.#startBlock
  }

  /** Takes what fits of `run` after its first `done` blocks. @returns how many blocks it took; 0 when it is full. */
  take(run: BlockRun, done: number): number {
    const blocks = this.#takeBlocks(run, done)
    this.#nextBlock += blocks
    return blocks
  }

  finish(): SparsePiece {
    const { blockSize, imageSize, totalBlocks } = this.#geometry
    if (this.#chunks.at(-1)?.kind === 'skip') this.#chunks.pop()
    const carried = this.#chunks.reduce((sum, chunk) => sum + (chunk.kind === 'skip' ? 0 : chunk.blocks), 0)
    const inside = this.#chunks.reduce((sum, chunk) => sum + chunk.blocks, 0)
    const [before, after] = this.#frame(inside)
    const chunks = [...before, ...this.#chunks, ...after]
    const parts = joinSmall([this.#header(chunks.length), ...chunks.flatMap((chunk) => this.#encode(chunk))])
    // The last block is padded; the padding is none of the image's bytes.
    const holdsLast = after.length === 0 && this.#chunks.length > 0
    const padding = holdsLast ? totalBlocks * blockSize - imageSize : 0
    return {
      size: parts.reduce((sum, part) => sum + part.byteLength, 0),
      imageBytes: carried * blockSize - padding,
      start: this.#startBlock * blockSize,
      end: Math.min(imageSize, this.#nextBlock * blockSize),
      parts,
    }
  }

  /** The don't-cares before and after the `inside` blocks of chunks, each absent when it would be empty. */
  #frame(inside: number): readonly [readonly Chunk[], readonly Chunk[]] {
    const first = this.#startBlock
    const last = first + inside
    const skip = (blocks: number): readonly Chunk[] => (blocks > 0 ? [{ kind: 'skip', blocks }] : [])
    const { totalBlocks } = this.#geometry
    if (inside === 0) return [skip(totalBlocks), []]
    const head = this.#chunks[0]
    if (head?.kind !== 'skip') return [skip(first), skip(totalBlocks - last)]
    this.#chunks.shift()
    return [skip(first + head.blocks), skip(totalBlocks - last)]
  }

  #takeBlocks(run: BlockRun, done: number): number {
    const left = run.blocks - done
    const last = this.#chunks.at(-1)
    switch (run.kind) {
      case 'raw':
        return this.#takeRaw(run.bytes, done)
      case 'fill':
        if (last?.kind === 'fill' && last.word === run.word) {
          last.blocks += left
          return left
        }
        return this.#open({ kind: 'fill', blocks: left, word: run.word }, FILL_SIZE)
      case 'skip':
        // A don't-care at either end of the piece is part of its frame; its place is paid for all the same.
        if (last?.kind === 'skip') {
          last.blocks += left
          return left
        }
        return this.#open({ kind: 'skip', blocks: left }, CHUNK_HEADER_SIZE)
      default:
        return missingCase(run)
    }
  }

  #open(chunk: Chunk, size: number): number {
    if (this.#size + size > this.#geometry.limit) return 0
    this.#chunks.push(chunk)
    this.#size += size
    return chunk.blocks
  }

  #takeRaw(bytes: Uint8Array, done: number): number {
    const { blockSize, limit } = this.#geometry
    const last = this.#chunks.at(-1)
    const overhead = last?.kind === 'raw' ? 0 : CHUNK_HEADER_SIZE
    const room = Math.floor((limit - this.#size - overhead) / blockSize)
    const blocks = Math.min(room, bytes.byteLength / blockSize - done)
    if (blocks <= 0) return 0
    const part = bytes.subarray(done * blockSize, (done + blocks) * blockSize)
    if (last?.kind === 'raw') {
      last.blocks += blocks
      last.parts.push(part)
    } else this.#chunks.push({ kind: 'raw', blocks, parts: [part] })
    this.#size += overhead + blocks * blockSize
    return blocks
  }

  #header(chunkCount: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(SPARSE_HEADER_SIZE))
    view.setUint32(0, SPARSE_MAGIC, true)
    view.setUint16(4, 1, true)
    view.setUint16(8, SPARSE_HEADER_SIZE, true)
    view.setUint16(10, CHUNK_HEADER_SIZE, true)
    view.setUint32(12, this.#geometry.blockSize, true)
    view.setUint32(16, this.#geometry.totalBlocks, true)
    view.setUint32(20, chunkCount, true)
    return new Uint8Array(view.buffer)
  }

  #encode(chunk: Chunk): readonly Uint8Array[] {
    switch (chunk.kind) {
      case 'raw':
        return [chunkHeader(CHUNK.raw, chunk.blocks, chunk.blocks * this.#geometry.blockSize), ...chunk.parts]
      case 'fill': {
        const word = new Uint8Array(4)
        new DataView(word.buffer).setUint32(0, chunk.word, true)
        return [chunkHeader(CHUNK.fill, chunk.blocks, 4), word]
      }
      case 'skip':
        return [chunkHeader(CHUNK.dontCare, chunk.blocks, 0)]
      default:
        return missingCase(chunk)
    }
  }
}

function chunkHeader(type: number, blocks: number, dataSize: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(CHUNK_HEADER_SIZE))
  view.setUint16(0, type, true)
  view.setUint32(4, blocks, true)
  view.setUint32(8, CHUNK_HEADER_SIZE + dataSize, true)
  return new Uint8Array(view.buffer)
}

function joinSmall(parts: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = []
  let small: Uint8Array[] = []
  let smallBytes = 0
  const close = () => {
    if (small.length > 0) joined.push(joinBytes(small))
    small = []
    smallBytes = 0
  }
  for (const part of parts) {
    if (part.byteLength >= JOIN_BELOW || smallBytes >= 16 * JOIN_BELOW) close()
    if (part.byteLength >= JOIN_BELOW) joined.push(part)
    else {
      small.push(part)
      smallBytes += part.byteLength
    }
  }
  close()
  return joined
}
