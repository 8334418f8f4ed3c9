// Reads an image as runs of bytes and zeros, and cuts it into chunks of one size.
import type { ImageSource } from '../../main/core/source.ts'
import { missingCase } from '../../shared/missing-case.ts'

/** A run of an image; without `bytes` it is all zeros. */
export interface Run {
  readonly length: number
  readonly bytes?: Uint8Array<ArrayBuffer>
}

/** A chunk of an image, as a run with its place. */
export interface Chunk extends Run {
  readonly offset: number
}

const PIECE = 1024 * 1024
const ZEROS = new Uint8Array(PIECE)

/** Runs of at most 4 MiB of data, or of zeros of any length; holes count as zeros.
 * @param align the image is padded with zeros to a multiple of this many bytes. */
export async function* imageRuns(image: ImageSource, signal: AbortSignal, align = 1): AsyncGenerator<Run> {
  let length = 0
  for await (const extent of image.extents({ signal })) {
    switch (extent.kind) {
      case 'data':
        yield { length: extent.bytes.length, bytes: extent.bytes }
        length += extent.bytes.length
        break
      case 'fill':
        yield* fillRuns(extent.length, extent.word)
        length += extent.length
        break
      case 'hole':
        yield { length: extent.length }
        length += extent.length
        break
      default:
        missingCase(extent)
    }
  }
  const padding = paddedSize(length, align) - length
  if (padding > 0) yield { length: padding }
}

export function paddedSize(size: number, align: number): number {
  return Math.ceil(size / align) * align
}

function* fillRuns(length: number, word: number): Generator<Run> {
  if (word === 0) {
    yield { length }
    return
  }
  const pattern = Buffer.alloc(4)
  pattern.writeUInt32LE(word)
  for (let done = 0; done < length; done += PIECE) {
    const bytes = new Uint8Array(Math.min(PIECE, length - done))
    Buffer.from(bytes.buffer).fill(pattern)
    yield { length: bytes.length, bytes }
  }
}

/** The bytes of a run, zeros included, in pieces; pieces of zeros are shared and must not be changed. */
export function* runBytes(run: Run): Generator<Uint8Array<ArrayBuffer>> {
  if (run.bytes !== undefined) {
    yield run.bytes
    return
  }
  for (let done = 0; done < run.length; done += PIECE)
    yield ZEROS.subarray(0, Math.min(PIECE, run.length - done))
}

/** All bytes of an image in order. */
export async function* imageBytes(
  image: ImageSource,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const run of imageRuns(image, signal)) yield* runBytes(run)
}

/** Chunks of `chunkBytes` (the last one may be shorter), without bytes where they are all zeros. */
export async function* chunksOf(runs: AsyncIterable<Run>, chunkBytes: number): AsyncGenerator<Chunk> {
  let offset = 0
  let filled = 0
  let buffer: Uint8Array<ArrayBuffer> | undefined
  const finish = (): Chunk => {
    const chunk = trimmed(offset, filled, buffer)
    offset += filled
    filled = 0
    buffer = undefined
    return chunk
  }
  for await (const run of runs) {
    for (let at = 0; at < run.length; ) {
      const take = Math.min(chunkBytes - filled, run.length - at)
      if (run.bytes !== undefined) {
        // Fresh memory is all zeros, so runs of zeros need no copying.
        buffer ??= new Uint8Array(chunkBytes)
        buffer.set(run.bytes.subarray(at, at + take), filled)
      }
      filled += take
      at += take
      if (filled === chunkBytes) yield finish()
    }
  }
  if (filled > 0) yield finish()
}

function trimmed(offset: number, length: number, buffer: Uint8Array<ArrayBuffer> | undefined): Chunk {
  const bytes = buffer?.subarray(0, length)
  return bytes === undefined || isZero(bytes) ? { offset, length } : { offset, length, bytes }
}

function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE)
    if (Buffer.compare(piece, ZEROS.subarray(0, piece.length)) !== 0) return false
  }
  return true
}
