// The header of an Android sparse image, and the names of its parts (AOSP libsparse sparse_format.h).
import { RecordReader } from './record-reader.ts'

export const SPARSE_MAGIC = 0xed26ff3a
export const SPARSE_HEADER_SIZE = 28
export const CHUNK_HEADER_SIZE = 12
export const CHUNK = { raw: 0xcac1, fill: 0xcac2, dontCare: 0xcac3, crc32: 0xcac4 } as const

export interface SparseHeader {
  /** Bytes that the file header takes; what is beyond 28 is skipped. */
  readonly headerSize: number
  readonly chunkHeaderSize: number
  readonly blockSize: number
  readonly totalBlocks: number
  readonly chunkCount: number
  /** CRC-32 of the expanded image, holes as zeros; undefined when the file carries none. */
  readonly crc32: number | undefined
}

/** Whether a file begins like a sparse image.
 * @param first28 its first 28 bytes, or all when there are fewer. */
export function isSparse(first28: Uint8Array): boolean {
  if (first28.byteLength < SPARSE_HEADER_SIZE) return false
  return new DataView(first28.buffer, first28.byteOffset, 4).getUint32(0, true) === SPARSE_MAGIC
}

/** @param first28 the first 28 bytes. @param fileSize of the whole sparse file.
 * @throws SlotbenchError `sparse-invalid` when a number in it cannot be true. */
export function parseSparseHeader(first28: Uint8Array, fileSize: number): SparseHeader {
  const reader = new RecordReader(first28, 'little', 'sparse-invalid')
  if (reader.u32() !== SPARSE_MAGIC) reader.fail('no Android sparse image: its magic is missing')
  const [major, minor] = [reader.u16(), reader.u16()]
  if (major !== 1) reader.fail(`a sparse image of version ${major}.${minor}`)
  const [headerSize, chunkHeaderSize] = [reader.u16(), reader.u16()]
  if (headerSize < SPARSE_HEADER_SIZE || chunkHeaderSize < CHUNK_HEADER_SIZE)
    reader.fail(`headers of ${headerSize} and ${chunkHeaderSize} bytes`)
  const [blockSize, totalBlocks, chunkCount, checksum] = [
    reader.u32(),
    reader.u32(),
    reader.u32(),
    reader.u32(),
  ]
  if (blockSize === 0 || blockSize % 4 !== 0) reader.fail(`blocks of ${blockSize} bytes`)
  if (!Number.isSafeInteger(totalBlocks * blockSize))
    reader.fail(`${totalBlocks} blocks of ${blockSize} bytes`)
  if (headerSize + chunkCount * chunkHeaderSize > fileSize)
    reader.fail(`${chunkCount} chunks cannot be in a file of ${fileSize} bytes`)
  return { headerSize, chunkHeaderSize, blockSize, totalBlocks, chunkCount, crc32: checksum || undefined }
}
