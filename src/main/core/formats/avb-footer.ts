// The last 64 bytes of a partition that carries its own vbmeta: where that is (external_avb avb_footer.h).
import { RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'

export const AVB_FOOTER_SIZE = 64

export interface AvbFooter {
  /** Bytes of the image before hash tree, FEC and vbmeta were added. */
  readonly originalSize: number
  readonly vbmetaOffset: number
  readonly vbmetaSize: number
}

const MAGIC = 0x41564266

/** @param last the last 64 bytes of the partition or image.
 * @returns undefined when there is no footer.
 * @throws SlotbenchError `vbmeta-invalid` when there is one that cannot be true. */
export function parseFooter(last: Uint8Array, partitionSize: number): AvbFooter | undefined {
  const reader = new RecordReader(last, 'big', 'vbmeta-invalid')
  if (reader.remaining !== AVB_FOOTER_SIZE) reader.fail(`a footer of ${reader.remaining} bytes`)
  if (reader.u32() !== MAGIC) return undefined
  const [major, minor] = [reader.u32(), reader.u32()]
  if (major !== 1) reader.fail(`an AVB footer of version ${major}.${minor}`)
  const originalSize = reader.size64('original image size')
  const vbmetaOffset = reader.size64('vbmeta offset')
  const vbmetaSize = reader.size64('vbmeta size')
  const room = partitionSize - AVB_FOOTER_SIZE
  if (originalSize > vbmetaOffset || vbmetaOffset > room || vbmetaSize > room - vbmetaOffset)
    reader.fail(`the footer puts a vbmeta of ${vbmetaSize} bytes at ${vbmetaOffset} of ${partitionSize}`)
  return { originalSize, vbmetaOffset, vbmetaSize }
}

/** @returns 64 bytes for the very end of the partition. */
export function buildFooter(footer: AvbFooter): Uint8Array<ArrayBuffer> {
  const writer = new RecordWriter('big', 'vbmeta-invalid').u32(MAGIC).u32(1).u32(0)
  return writer.u64(footer.originalSize).u64(footer.vbmetaOffset).u64(footer.vbmetaSize).zeros(28).finish()
}
