// Images that are their bytes: in memory, or a whole byte source.
import { abortError } from '../../../shared/errors.ts'
import { bytes, type Sha256 } from '../../../shared/units.ts'
import type { ByteSource, Extent, ExtentOptions, ImageSource } from '../source.ts'
import { MAX_EXTENT_DATA } from '../source.ts'
import { sliceSource } from './slice-source.ts'

/** The image that `content` is. Extents are copies, so a consumer may hand their buffers to a worker. */
export function memoryImage(content: Uint8Array, o: { readonly sha256?: Sha256 } = {}): ImageSource {
  return {
    size: bytes(content.byteLength),
    sha256: o.sha256,
    async *extents({ signal, from = 0 }: ExtentOptions): AsyncGenerator<Extent> {
      for (let offset = from; offset < content.byteLength; offset += MAX_EXTENT_DATA) {
        if (signal.aborted) throw abortError(signal)
        const end = Math.min(content.byteLength, offset + MAX_EXTENT_DATA)
        yield { kind: 'data', offset, bytes: new Uint8Array(content.subarray(offset, end)) }
      }
    },
  }
}

/** The image that a byte source is. */
export function byteSourceImage(source: ByteSource, o: { readonly sha256?: Sha256 } = {}): ImageSource {
  return {
    size: source.size,
    sha256: o.sha256,
    ...(source.forwardOnly === true
      ? {}
      : { raw: sliceSource(source, { name: source.name, start: 0, size: source.size }) }),
    async *extents({ signal, from = 0 }: ExtentOptions): AsyncGenerator<Extent> {
      const length = Math.max(0, source.size - from)
      for await (const piece of readPieces(source, { start: from, length, signal }))
        yield { kind: 'data', offset: from + piece.at, bytes: piece.bytes }
    },
  }
}

export interface PieceRange {
  readonly start: number
  readonly length: number
  readonly signal: AbortSignal
}

/** The bytes of a range of a source in pieces of at most 4 MiB; `at` counts from the start of the range.
 * One piece is read ahead, so that reading and sending overlap. */
export async function* readPieces(
  source: ByteSource,
  { start, length, signal }: PieceRange,
): AsyncGenerator<{ readonly at: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const read = (at: number): Promise<Uint8Array<ArrayBuffer>> | undefined => {
    if (at >= length) return undefined
    const piece = source.read(start + at, Math.min(MAX_EXTENT_DATA, length - at), signal)
    // A consumer that stops early never awaits it; its failure is then nobody's.
    piece.catch(() => {})
    return piece
  }
  let at = 0
  for (let next = read(0); next !== undefined; ) {
    if (signal.aborted) throw abortError(signal)
    const piece = await next
    const begin = at
    at += piece.byteLength
    next = read(at)
    yield { at: begin, bytes: piece }
  }
}
