// A file that is one partition's image: sparse, or its bytes as they are.
import type { ByteSource, ImageSource } from '../source.ts'
import { byteSourceImage } from './raw-image.ts'
import { isSparse, openSparse } from './sparse-reader.ts'

const HEADER = 28

/** The file stays the caller's to close.
 * @throws SlotbenchError `sparse-invalid`, and what reading throws. */
export async function openImageFile(file: ByteSource): Promise<ImageSource> {
  const head = await file.read(0, Math.min(HEADER, file.size))
  return isSparse(head) ? openSparse(file) : byteSourceImage(file)
}
