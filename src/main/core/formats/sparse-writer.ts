// Writes an image as one or more Android sparse files, each small enough for one download (AOSP libsparse: resparse).
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { Extent, ImageSource } from '../source.ts'
import { BlockRuns } from './sparse-blocks.ts'
import { type SparsePiece, SparsePieceBuilder } from './sparse-piece.ts'

export type { SparsePiece } from './sparse-piece.ts'

export interface SplitOptions {
  /** Bytes that one piece may have. */
  readonly limit: number
  /** Of the first piece, when it may have fewer: it is on its way while the others are made. */
  readonly firstLimit?: number
  /** A multiple of 4, at least 8; 4096 when left out. */
  readonly blockSize?: number
  readonly signal: AbortSignal
  /** Sees every extent before it is taken apart, and gives back what is to be written, e.g. once it is hashed. */
  readonly tap?: (extent: Extent) => Promise<Extent> | Extent
}

const DEFAULT_BLOCK_SIZE = 4096
const MAX_U32 = 0xffffffff

/** The pieces of an image, one in memory at a time. An empty image has none; one that is all hole has one.
 * The buffers of its extents are kept until the piece is taken.
 * @throws SlotbenchError `image-too-large` when the image or a block of it cannot be expressed within the limit;
 * whatever the image throws passes through. */
export async function* splitToSparse(image: ImageSource, o: SplitOptions): AsyncGenerator<SparsePiece> {
  const { signal, blockSize = DEFAULT_BLOCK_SIZE, limit } = o
  if (!Number.isInteger(blockSize) || blockSize % 4 !== 0 || blockSize < 8)
    throw new SlotbenchError('internal', `sparse blocks of ${blockSize} bytes`)
  const totalBlocks = Math.ceil(image.size / blockSize)
  if (totalBlocks > MAX_U32)
    throw new SlotbenchError(
      'image-too-large',
      `${image.size} bytes are more than a sparse image can describe`,
    )
  const geometry = { blockSize, totalBlocks, imageSize: image.size, limit: Math.min(limit, MAX_U32) }
  const firstLimit = Math.min(o.firstLimit ?? limit, geometry.limit)
  let piece = new SparsePieceBuilder({ ...geometry, limit: firstLimit }, 0)
  const runs = new BlockRuns(blockSize)
  const add = function* (complete: ReturnType<BlockRuns['push']>): Generator<SparsePiece> {
    for (const run of complete) {
      for (let taken = piece.take(run, 0); taken < run.blocks; taken += piece.take(run, taken)) {
        yield piece.finish()
        piece = new SparsePieceBuilder(geometry, piece.nextBlock)
      }
    }
  }
  for await (const extent of tapped(image.extents({ signal }), o.tap)) {
    if (signal.aborted) throw abortError(signal)
    yield* add(runs.push(extent))
  }
  yield* add(runs.end())
  if (piece.nextBlock !== totalBlocks)
    throw new SlotbenchError('internal', `the image ended after ${piece.nextBlock} of ${totalBlocks} blocks`)
  if (!piece.empty) yield piece.finish()
}

/** One extent is with the tap while the next one is read and the one before is taken apart. */
async function* tapped(extents: AsyncIterable<Extent>, tap: SplitOptions['tap']): AsyncGenerator<Extent> {
  let before: Promise<Extent> | undefined
  for await (const extent of extents) {
    const taken = Promise.resolve(tap === undefined ? extent : tap(extent))
    // Its failure is that of the image once it is its turn, and nobody's when the reader stops before.
    taken.catch(() => {})
    if (before !== undefined) yield await before
    before = taken
  }
  if (before !== undefined) yield await before
}
