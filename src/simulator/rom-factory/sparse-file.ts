// Writes a whole image as one Android sparse file, streaming: every chunk but the last has the same number of blocks,
// so the header is known before the image is read (AOSP libsparse sparse_format.h).
import type { ImageSource } from '../../main/core/source.ts'
import { type Chunk, chunksOf, imageRuns, paddedSize } from './image-chunks.ts'

export interface SparseOptions {
  /** What zeros become: the fill word 0, or don't-care, which is what most makers ship. */
  readonly zeros: 'fill' | 'dont-care'
  readonly signal: AbortSignal
}

const BLOCK = 4096
const CHUNK_BYTES = 1024 * 1024
const RAW = 0xcac1
const FILL = 0xcac2
const DONT_CARE = 0xcac3

/** The file, from its first byte to its last. The image is padded with zeros to whole blocks. */
export async function* sparseFileBytes(
  image: ImageSource,
  options: SparseOptions,
): AsyncGenerator<Uint8Array> {
  const size = paddedSize(image.size, BLOCK)
  const header = Buffer.alloc(28)
  header.writeUInt32LE(0xed26ff3a, 0)
  header.writeUInt16LE(1, 4)
  header.writeUInt16LE(28, 8)
  header.writeUInt16LE(12, 10)
  header.writeUInt32LE(BLOCK, 12)
  header.writeUInt32LE(size / BLOCK, 16)
  header.writeUInt32LE(Math.ceil(size / CHUNK_BYTES), 20)
  yield header
  for await (const chunk of chunksOf(imageRuns(image, options.signal, BLOCK), CHUNK_BYTES))
    yield* chunkBytes(chunk, options.zeros)
}

function* chunkBytes(chunk: Chunk, zeros: SparseOptions['zeros']): Generator<Uint8Array> {
  if (chunk.bytes !== undefined) {
    yield chunkHeader(RAW, chunk.length, chunk.length)
    yield chunk.bytes
  } else if (zeros === 'fill') {
    yield chunkHeader(FILL, chunk.length, 4)
    yield new Uint8Array(4)
  } else yield chunkHeader(DONT_CARE, chunk.length, 0)
}

function chunkHeader(type: number, imageBytes: number, dataBytes: number): Uint8Array {
  const header = Buffer.alloc(12)
  header.writeUInt16LE(type, 0)
  header.writeUInt32LE(imageBytes / BLOCK, 4)
  header.writeUInt32LE(header.length + dataBytes, 8)
  return header
}
