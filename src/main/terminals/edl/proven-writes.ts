// What this session has sent and knows the digests of, piece by piece: a terminal can then prove gigabytes with a few short digests.
import type { Sha256 } from '../../../shared/units.ts'
import { overlap } from '../../core/storage/partitions.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'

/** Whole sectors, and what they hash to. */
export interface PieceDigest {
  readonly range: SectorRange
  readonly sha256: Sha256
}

/** An image that was streamed through: when every piece is what it hashes to, the whole is what that hashes to. */
export interface StreamedImage {
  /** Where it begins, and how many of its bytes there are. */
  readonly ranges: readonly SectorRange[]
  readonly size: number
  readonly sha256: Sha256
  readonly pieces: readonly PieceDigest[]
}

export class ProvenWrites {
  #known: StreamedImage[] = []

  /** What was known of the same sectors counts no more. */
  note(image: StreamedImage): void {
    this.forget(image.pieces.map(({ range }) => range))
    this.#known.push(image)
  }

  /** To be called before sectors change. */
  forget(ranges: readonly SectorRange[]): void {
    this.#known = this.#known.filter(
      ({ pieces }) => !pieces.some(({ range }) => ranges.some((other) => overlap(range, other))),
    )
  }

  forgetAll(): void {
    this.#known = []
  }

  find(ranges: readonly SectorRange[], size: number): StreamedImage | undefined {
    return this.#known.find((image) => image.size === size && sameStart(image.ranges, ranges))
  }
}

/** Ranges name all the room there is; what lies behind the end of an image is none of its business. */
function sameStart(a: readonly SectorRange[], b: readonly SectorRange[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ lun, first, count }, i) => {
      const other = b[i]
      return other?.lun === lun && other.first === first && other.count === count
    })
  )
}
