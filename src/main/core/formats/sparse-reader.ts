// An Android sparse image as the image it stands for (AOSP libsparse sparse_format.h).
import { crc32 } from 'node:zlib'
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { bytes } from '../../../shared/units.ts'
import type { ByteSource, Extent, ExtentOptions, ImageSource } from '../source.ts'
import { crc32Fill } from './crc32-fill.ts'
import { cutExtent } from './extents.ts'
import { readPieces } from './raw-image.ts'
import { type SparseChunk, SparseChunks } from './sparse-chunks.ts'
import { parseSparseHeader, SPARSE_HEADER_SIZE } from './sparse-format.ts'

export { isSparse } from './sparse-format.ts'

export interface SparseImage extends ImageSource {
  readonly blockSize: number
  /** Of the expanded image, holes as zeros; undefined when the file carries none. */
  readonly declaredCrc32: number | undefined
  readonly chunkCount: number
}

/** Opens a sparse image; only its header is read yet. Whoever iterates all extents from 0 has checked the whole file:
 * every chunk, the sums, the checksums inside and in the header.
 * @throws SlotbenchError `sparse-invalid` when the header cannot be true; while iterating also `digest-mismatch`
 * (a checksum) and `source-truncated`. */
export async function openSparse(source: ByteSource): Promise<SparseImage> {
  if (source.size < SPARSE_HEADER_SIZE)
    throw new SlotbenchError('sparse-invalid', `${source.name} is too short for an Android sparse image`)
  const header = parseSparseHeader(await source.read(0, SPARSE_HEADER_SIZE), source.size)
  const chunks = new SparseChunks(source, header)
  return {
    size: bytes(header.totalBlocks * header.blockSize),
    sha256: undefined,
    blockSize: header.blockSize,
    declaredCrc32: header.crc32,
    chunkCount: header.chunkCount,
    async *extents({ signal, from = 0 }: ExtentOptions): AsyncGenerator<Extent> {
      // Checksums run from the first byte, so a pass that starts later has none to compare.
      const checksum = from === 0 ? new RunningCrc() : undefined
      for await (const chunk of chunks.from(from, signal)) {
        if (chunk.kind === 'crc32') checksum?.expect(chunk.value, `before offset ${chunk.offset}`)
        for await (const extent of chunkExtents(source, chunk, { signal, from })) {
          checksum?.add(extent)
          yield extent
        }
      }
      if (header.crc32 !== undefined) checksum?.expect(header.crc32, 'of the whole image')
    },
  }
}

async function* chunkExtents(
  source: ByteSource,
  chunk: SparseChunk,
  { signal, from }: Required<ExtentOptions>,
): AsyncGenerator<Extent> {
  const skip = Math.max(0, from - chunk.offset)
  const [offset, length] = [chunk.offset + skip, chunk.length - skip]
  if (length <= 0) return
  switch (chunk.kind) {
    case 'raw':
      for await (const piece of readPieces(source, { start: chunk.dataAt + skip, length, signal }))
        yield { kind: 'data', offset: offset + piece.at, bytes: piece.bytes }
      return
    case 'fill':
      yield cutExtent({ kind: 'fill', offset: chunk.offset, length: chunk.length, word: chunk.value }, offset)
      return
    case 'dontCare':
      yield { kind: 'hole', offset, length }
      return
    case 'crc32':
      return
    default:
      missingCase(chunk.kind)
  }
}

/** CRC-32 of the expanded image so far. */
class RunningCrc {
  #value = 0

  add(extent: Extent): void {
    if (extent.kind === 'data') this.#value = crc32(extent.bytes, this.#value)
    else this.#value = crc32Fill(this.#value, extent.kind === 'fill' ? extent.word : 0, extent.length)
  }

  expect(value: number, where: string): void {
    if (value === this.#value) return
    const [is, should] = [this.#value, value].map((crc) => crc.toString(16).padStart(8, '0'))
    throw new SlotbenchError(
      'digest-mismatch',
      `the CRC-32 ${where} is ${is}, the sparse image promises ${should}`,
    )
  }
}
