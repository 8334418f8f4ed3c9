// Turns the extents of an image into runs of whole blocks, finding those that repeat one word.
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { release } from '../release.ts'
import type { Extent } from '../source.ts'
import { cutExtent, extentEnd, fillWord } from './extents.ts'

/** Runs of whole blocks, in the order of the image. */
export type BlockRun =
  | { readonly kind: 'raw'; readonly blocks: number; readonly bytes: Uint8Array }
  | { readonly kind: 'fill'; readonly blocks: number; readonly word: number }
  | { readonly kind: 'skip'; readonly blocks: number }

/** Extents may begin and end anywhere; a block that several of them share is put together here. */
export class BlockRuns {
  readonly #blockSize: number
  readonly #shared: Uint8Array<ArrayBuffer>
  #filled = 0
  /** Whether all of the shared block so far is hole. */
  #hole = true
  #expected = 0

  constructor(blockSize: number) {
    this.#blockSize = blockSize
    this.#shared = new Uint8Array(blockSize)
  }

  /** The runs that are complete with this extent. */
  *push(extent: Extent): Generator<BlockRun> {
    if (extent.offset !== this.#expected)
      throw new SlotbenchError('internal', `extent at ${extent.offset}, expected at ${this.#expected}`)
    const end = extentEnd(extent)
    this.#expected = end
    let from = extent.offset
    if (this.#filled > 0) {
      from = Math.min(end, from + this.#blockSize - this.#filled)
      yield* this.#share(cutExtent(extent, extent.offset, from))
    }
    const whole = end - ((end - from) % this.#blockSize)
    if (whole > from) yield* wholeBlocks(cutExtent(extent, from, whole), this.#blockSize)
    if (end > whole) yield* this.#share(cutExtent(extent, whole, end))
  }

  /** The last block, filled up with zeros when the image ends inside it. */
  *end(): Generator<BlockRun> {
    if (this.#filled > 0) yield* this.#complete()
  }

  *#share(part: Extent): Generator<BlockRun> {
    const length = extentEnd(part) - part.offset
    if (length === 0) return
    const target = this.#shared.subarray(this.#filled, this.#filled + length)
    if (part.kind === 'data') target.set(part.bytes)
    else if (part.kind === 'fill') fillWord(target, part.word)
    this.#hole &&= part.kind === 'hole'
    this.#filled += length
    if (this.#filled === this.#blockSize) yield* this.#complete()
  }

  *#complete(): Generator<BlockRun> {
    if (this.#hole) yield { kind: 'skip', blocks: 1 }
    else yield* dataRuns(new Uint8Array(this.#shared), this.#blockSize)
    this.#shared.fill(0)
    this.#filled = 0
    this.#hole = true
  }
}

function* wholeBlocks(extent: Extent, blockSize: number): Generator<BlockRun> {
  switch (extent.kind) {
    case 'data':
      yield* dataRuns(extent.bytes, blockSize)
      return
    case 'fill':
      yield { kind: 'fill', blocks: extent.length / blockSize, word: extent.word }
      return
    case 'hole':
      yield { kind: 'skip', blocks: extent.length / blockSize }
      return
    default:
      missingCase(extent)
  }
}

function dataRuns(bytes: Uint8Array<ArrayBuffer>, blockSize: number): readonly BlockRun[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const runs: BlockRun[] = []
  let [rawFrom, rawBytes] = [0, 0]
  const closeRaw = (end: number) => {
    if (end > rawFrom)
      runs.push({ kind: 'raw', blocks: (end - rawFrom) / blockSize, bytes: bytes.subarray(rawFrom, end) })
    rawBytes += end - rawFrom
  }
  for (let at = 0; at < buffer.byteLength; at += blockSize) {
    if (!repeatsOneWord(buffer, at, at + blockSize)) continue
    closeRaw(at)
    rawFrom = at + blockSize
    runs.push({ kind: 'fill', blocks: 1, word: buffer.readUInt32LE(at) })
  }
  closeRaw(buffer.byteLength)
  // A few raw blocks must not keep megabytes of fill alive until their piece is sent.
  if (2 * rawBytes >= bytes.buffer.byteLength) return runs
  const small = runs.map((run) => (run.kind === 'raw' ? { ...run, bytes: run.bytes.slice() } : run))
  release(bytes)
  return small
}

/** A block repeats its first word when it equals itself moved by four bytes. Most blocks differ within the first two
 * words, which is looked at before the (native) comparison of the rest. */
function repeatsOneWord(buffer: Buffer, from: number, to: number): boolean {
  return (
    buffer[from] === buffer[from + 4] &&
    buffer[from + 1] === buffer[from + 5] &&
    buffer[from + 2] === buffer[from + 6] &&
    buffer[from + 3] === buffer[from + 7] &&
    buffer.compare(buffer, from + 4, to, from, to - 4) === 0
  )
}
