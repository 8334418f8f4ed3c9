// Images that are put together of others, with holes or zeros where there is none.
import { SlotbenchError } from '../../../shared/errors.ts'
import { bytes } from '../../../shared/units.ts'
import type { Extent, ExtentOptions, ImageSource } from '../source.ts'

export interface ImagePiece {
  /** Where it begins in the whole. */
  readonly at: number
  readonly image: ImageSource
}

/** @param pieces in any order.
 * @param between what lies where no piece does: `zeros` also takes away what a partition held there before.
 * @throws SlotbenchError `internal` when pieces overlap or reach beyond `size`: whoever knows what they are checks that first. */
export function joinedImage(
  size: number,
  pieces: readonly ImagePiece[],
  between: 'holes' | 'zeros' = 'holes',
): ImageSource {
  const sorted = pieces.filter(({ image }) => image.size > 0).toSorted((a, b) => a.at - b.at)
  let free = 0
  for (const { at, image } of sorted) {
    if (at < free) throw new SlotbenchError('internal', `two pieces of an image at byte ${at}`)
    free = at + image.size
  }
  if (free > size) throw new SlotbenchError('internal', `pieces of ${free} bytes in an image of ${size}`)
  return {
    size: bytes(size),
    sha256: undefined,
    async *extents({ signal, from = 0 }: ExtentOptions): AsyncGenerator<Extent> {
      let done = from
      for (const { at, image } of sorted) {
        if (at + image.size <= from) continue
        yield* gap(done, at, between)
        for await (const extent of image.extents({ signal, from: Math.max(0, from - at) }))
          yield { ...extent, offset: at + extent.offset }
        done = at + image.size
      }
      yield* gap(done, size, between)
    },
  }
}

function* gap(from: number, to: number, between: 'holes' | 'zeros'): Generator<Extent> {
  if (to <= from) return
  const length = to - from
  yield between === 'holes'
    ? { kind: 'hole', offset: from, length }
    : { kind: 'fill', offset: from, length, word: 0 }
}
