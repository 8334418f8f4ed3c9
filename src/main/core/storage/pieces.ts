// An image cut into pieces that are each one run of sectors, so that each can be compared with what the storage holds.
import { SlotbenchError } from '../../../shared/errors.ts'
import { cutExtent, extentEnd } from '../formats/extents.ts'
import type { Extent, ImageSource } from '../source.ts'
import type { SectorRange } from './sectors.ts'

/** Bytes `start` to `end` of an image, and the sectors that they fill; only the last piece may leave a part of its last sector empty. */
export interface Piece {
  readonly range: SectorRange
  readonly start: number
  readonly end: number
}

/** Bytes, multiples of the sector size. Each piece is at most twice as large as the one before, so that it can be made while that one is
 * sent. */
export interface PieceLimits {
  readonly first: number
  readonly most: number
}

/** @param ranges where the image goes, in order; they may have more room than it needs.
 * @throws SlotbenchError `image-too-large`. */
export function pieceRanges(
  ranges: readonly SectorRange[],
  image: { readonly size: number; readonly sectorSize: number },
  limits: PieceLimits,
): readonly Piece[] {
  const { size, sectorSize } = image
  const pieces: Piece[] = []
  let start = 0
  for (const { lun, first, count } of ranges) {
    for (let done = 0; done < count && start < size; ) {
      const limit = Math.min(limits.most, limits.first * 2 ** pieces.length)
      const sectors = Math.min(
        count - done,
        Math.max(1, Math.floor(limit / sectorSize)),
        Math.ceil((size - start) / sectorSize),
      )
      const end = Math.min(size, start + sectors * sectorSize)
      pieces.push({ range: { lun, first: first + done, count: sectors }, start, end })
      done += sectors
      start = end
    }
  }
  if (start < size) {
    const room = ranges.reduce((sum, { count }) => sum + count * sectorSize, 0)
    throw new SlotbenchError('image-too-large', `${size} bytes do not fit into ${room} bytes`)
  }
  return pieces
}

/** The runs of an image, cut at the ends of the pieces: one list for each piece. Runs of data own their memory.
 * @throws SlotbenchError `internal` when the image does not give what it promises. */
export async function* pieceContents(
  image: ImageSource,
  pieces: readonly Piece[],
  o: {
    readonly signal: AbortSignal
    /** Sees each run in order, and gives it back. */
    readonly tap: (extent: Extent, piece: number) => Promise<Extent>
  },
): AsyncGenerator<readonly Extent[], void, void> {
  let [index, at] = [0, 0]
  let runs: Extent[] = []
  for await (const extent of image.extents({ signal: o.signal })) {
    if (extent.offset !== at) throw disorder(image, at, extent.offset)
    const end = extentEnd(extent)
    while (at < end) {
      const piece = pieces[index]
      if (piece === undefined) throw disorder(image, image.size, end)
      const cut = Math.min(end, piece.end)
      runs.push(await o.tap(owned(cutExtent(extent, at, cut), extent), index))
      at = cut
      if (at < piece.end) continue
      yield runs
      runs = []
      index += 1
    }
  }
  if (index < pieces.length) throw disorder(image, image.size, at)
}

/** A part of a run shares its memory with the other parts, and each goes its own way. */
function owned(part: Extent, whole: Extent): Extent {
  return part.kind === 'data' && part !== whole ? { ...part, bytes: part.bytes.slice() } : part
}

function disorder(image: ImageSource, expected: number, found: number): SlotbenchError {
  return new SlotbenchError(
    'internal',
    `the image of ${image.size} bytes goes on at ${found} instead of ${expected}`,
  )
}
