// The vbmeta inside an image: a vbmeta image has it at the front; any other image says in its footer where it is.
import { AVB_FOOTER_SIZE, parseFooter } from '../formats/avb-footer.ts'
import { VBMETA_MAGIC, VBMETA_MAX_SIZE } from '../formats/vbmeta.ts'
import type { ImageSource } from '../source.ts'
import { readRange } from './read-range.ts'

export interface VbmetaBytes {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where they lie in the image. */
  readonly offset: number
}

/** @returns undefined when the image carries none.
 * @throws SlotbenchError `vbmeta-invalid` for a footer that cannot be true; what reading the image throws. */
export async function readVbmetaBytes(
  image: ImageSource,
  signal: AbortSignal,
): Promise<VbmetaBytes | undefined> {
  const head = await readRange(image, { offset: 0, length: Math.min(VBMETA_MAX_SIZE, image.size) }, signal)
  if (head.length >= 4 && new DataView(head.buffer).getUint32(0) === VBMETA_MAGIC)
    return { bytes: head, offset: 0 }
  if (image.size < AVB_FOOTER_SIZE) return undefined
  const last = { offset: image.size - AVB_FOOTER_SIZE, length: AVB_FOOTER_SIZE }
  const footer = parseFooter(await readRange(image, last, signal), image.size)
  if (footer === undefined) return undefined
  const range = { offset: footer.vbmetaOffset, length: Math.min(footer.vbmetaSize, VBMETA_MAX_SIZE) }
  return { bytes: await readRange(image, range, signal), offset: range.offset }
}
