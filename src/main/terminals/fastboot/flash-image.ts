// One image to one partition: in one raw download where it fits, else in sparse pieces; hashed on its way, one piece ahead.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { bytes, type PartitionName } from '../../../shared/units.ts'
import { splitToSparse } from '../../core/formats/sparse-writer.ts'
import type { Extent, ImageSource } from '../../core/source.ts'
import type { StreamHasher } from '../../core/workshop.ts'
import type { FastbootClient } from '../../protocols/fastboot/client.ts'
import type { WriteOptions, WriteReceipt } from '../types.ts'
import { UsedMemory } from './used-memory.ts'

/** Two pieces are in memory at a time (one on the wire, one in the making), whatever the terminal could take. */
export const PIECE_LIMIT = 64 * 1024 * 1024
/** Nothing is sent until the first piece is made, so that one is small. */
const FIRST_PIECE = 8 * 1024 * 1024

/** One download: a raw image or a sparse file. */
interface Piece {
  readonly size: number
  readonly parts: readonly Uint8Array[]
  /** The range of the image that it stands for. */
  readonly start: number
  readonly end: number
}

/** A piece whose parts are taken once. */
type Sending = Omit<Piece, 'parts'> & { readonly parts: Iterable<Uint8Array> }

export interface FlashJob {
  readonly client: FastbootClient
  readonly target: PartitionName
  readonly image: ImageSource
  /** Bytes of one download, as the terminal says; undefined when it does not. */
  readonly maxDownload: number | undefined
  /** Send holes as zeros, because the bytes of the whole partition are vouched for or will be read back. */
  readonly zeroHoles: boolean
}

/** @throws SlotbenchError `digest-mismatch` before the last piece is sent when the stream is not what the image promises. */
export async function flashImage(job: FlashJob, o: WriteOptions): Promise<WriteReceipt> {
  const startedAt = performance.now()
  const { image } = job
  if (image.size === 0) throw new SlotbenchError('package-incomplete', `the image for ${job.target} is empty`)
  const building = new AbortController()
  const hasher = o.workshop.hasher()
  const used = new UsedMemory()
  const tap = async (extent: Extent) => {
    const counted = await hashed(extent, hasher, job.zeroHoles)
    used.note(counted)
    return counted
  }
  const pieces = piecesOf(job, { tap, signal: AbortSignal.any([o.signal, building.signal]) })
  let sent = { wireBytes: 0, pieces: 0 }
  let next = pieces.next()
  try {
    for (;;) {
      const { done, value: piece } = await next
      if (done)
        throw new SlotbenchError('internal', `the pieces of the image for ${job.target} stop before its end`)
      const last = piece.end === image.size
      const sha256 = last ? await checkedDigest(job, hasher) : undefined
      if (!last) next = ahead(pieces)
      await flashPiece(job, { ...piece, parts: used.freedWhenSent(piece) }, o)
      sent = { wireBytes: sent.wireBytes + piece.size, pieces: sent.pieces + 1 }
      if (sha256 === undefined) continue
      return {
        imageBytes: image.size,
        wireBytes: bytes(sent.wireBytes),
        sha256,
        pieces: sent.pieces,
        durationMs: performance.now() - startedAt,
      }
    }
  } finally {
    building.abort()
    hasher.close()
    void pieces.return(undefined).catch(() => undefined)
  }
}

/** Starts building the next piece. Its failure counts when it is waited for, or never when the current one fails first. */
function ahead(pieces: AsyncGenerator<Piece, void, void>): Promise<IteratorResult<Piece, void>> {
  const next = pieces.next()
  next.catch(() => undefined)
  return next
}

async function checkedDigest(
  { image, target }: FlashJob,
  hasher: StreamHasher,
): Promise<WriteReceipt['sha256']> {
  const sha256 = await hasher.digest()
  if (image.sha256 !== undefined && image.sha256 !== sha256)
    throw new SlotbenchError(
      'digest-mismatch',
      `the image for ${target} has SHA-256 ${sha256}, but ${image.sha256} is promised`,
    )
  return sha256
}

async function flashPiece(job: FlashJob, piece: Sending, o: WriteOptions): Promise<void> {
  const { client, target, image } = job
  const onSent = (sent: number) =>
    o.onProgress?.(piece.start + Math.floor(((piece.end - piece.start) * sent) / piece.size), image.size)
  await client.download(piece.size, piece.parts, { ...io(o), onSent })
  await client.flash(target, io(o))
}

function io({ signal, deadline }: IoOptions): IoOptions {
  return { signal, deadline }
}

interface Building {
  readonly signal: AbortSignal
  readonly tap: (extent: Extent) => Promise<Extent>
}

async function* piecesOf(job: FlashJob, o: Building): AsyncGenerator<Piece, void, void> {
  const limit = Math.min(job.maxDownload ?? PIECE_LIMIT, PIECE_LIMIT)
  if (job.image.size <= limit) yield await rawPiece(job.image, o)
  else yield* splitToSparse(job.image, { limit, firstLimit: FIRST_PIECE, ...o })
}

/** Counts what goes to the wire; holes count as zeros. */
async function hashed(extent: Extent, hasher: StreamHasher, zeroHoles: boolean): Promise<Extent> {
  switch (extent.kind) {
    case 'data':
      return { ...extent, bytes: await hasher.update(extent.bytes) }
    case 'fill':
      await hasher.fill(extent.word, extent.length)
      return extent
    case 'hole':
      await hasher.fill(0, extent.length)
      return zeroHoles ? { ...extent, kind: 'fill', word: 0 } : extent
    default:
      return missingCase(extent)
  }
}

async function rawPiece(image: ImageSource, o: Building): Promise<Piece> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const given of image.extents({ signal: o.signal })) {
    const extent = await o.tap(given)
    const part =
      extent.kind === 'data'
        ? extent.bytes
        : repeated(extent.kind === 'fill' ? extent.word : 0, extent.length)
    size += part.length
    if (size > image.size) break
    parts.push(part)
  }
  if (size !== image.size)
    throw new SlotbenchError('internal', `the image gives ${size} bytes instead of ${image.size}`)
  return { size, parts, start: 0, end: size }
}

/** `length` bytes of the little-endian u32 `word`, over and over. */
function repeated(word: number, length: number): Uint8Array {
  const part = new Uint8Array(length)
  if (word === 0) return part
  const pattern = new Uint8Array(4)
  new DataView(pattern.buffer).setUint32(0, word, true)
  for (let at = 0; at < length; at += pattern.length) part.set(pattern.subarray(0, length - at), at)
  return part
}
