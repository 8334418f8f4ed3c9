import { SlotbenchError } from '../../../shared/errors.ts'
import { cutExtent, extentEnd } from '../formats/extents.ts'
import type { Extent, ImageSource } from '../source.ts'

/** A small part of an image as bytes; holes read as zeros. What comes before it is skipped as far as the format allows.
 * @throws SlotbenchError `source-truncated` when the image ends before `offset + length`. */
export async function readRange(
  image: ImageSource,
  range: { readonly offset: number; readonly length: number },
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { offset, length } = range
  const end = offset + length
  if (end > image.size) throw new SlotbenchError('source-truncated', `the image ends before byte ${end}`)
  const result = new Uint8Array(length)
  for await (const extent of image.extents({ signal, from: offset })) {
    const from = Math.max(offset, extent.offset)
    const to = Math.min(end, extentEnd(extent))
    if (from < to) copyInto(result, cutExtent(extent, from, to), offset)
    if (to >= end) break
  }
  return result
}

function copyInto(result: Uint8Array, extent: Extent, base: number): void {
  const at = extent.offset - base
  if (extent.kind === 'data') result.set(extent.bytes, at)
  if (extent.kind !== 'fill' || extent.word === 0) return
  for (let i = 0; i < extent.length; i++) result[at + i] = (extent.word >>> ((i % 4) * 8)) & 0xff
}
