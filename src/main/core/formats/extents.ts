// Cuts runs of images: the part of an extent between two offsets.
import { missingCase } from '../../../shared/missing-case.ts'
import type { Extent } from '../source.ts'

/** The offset after the last byte of an extent. */
export function extentEnd(extent: Extent): number {
  return extent.offset + (extent.kind === 'data' ? extent.bytes.byteLength : extent.length)
}

/** The part of `extent` from `start` to `end` (image offsets inside it); data is shared, not copied. */
export function cutExtent(extent: Extent, start: number, end = extentEnd(extent)): Extent {
  if (start === extent.offset && end === extentEnd(extent)) return extent
  const skipped = start - extent.offset
  switch (extent.kind) {
    case 'data':
      return { kind: 'data', offset: start, bytes: extent.bytes.subarray(skipped, end - extent.offset) }
    case 'fill':
      return { kind: 'fill', offset: start, length: end - start, word: rotateWord(extent.word, skipped) }
    case 'hole':
      return { kind: 'hole', offset: start, length: end - start }
    default:
      return missingCase(extent)
  }
}

/** The repeated word as it reads `skipped` bytes further on: it turns when that is no multiple of four. */
export function rotateWord(word: number, skipped: number): number {
  const bits = (skipped % 4) * 8
  return bits === 0 ? word >>> 0 : ((word >>> bits) | (word << (32 - bits))) >>> 0
}

/** Writes the repeated word all over `target`. */
export function fillWord(target: Uint8Array, word: number): void {
  for (let i = 0; i < target.byteLength; i++) target[i] = (word >>> ((i % 4) * 8)) & 0xff
}
