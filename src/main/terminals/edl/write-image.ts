// One image into sectors by a Firehose programmer: only pieces that the storage does not hold already, hashed on their way, one ahead.
//
// Holes count as zeros, always, because a whole partition is what the plan vouches for and reads back; so they must be zeros there. They
// are compared like everything else, and sent as zeros only where the storage holds something else. They are not erased instead: what an
// erase leaves is the storage's own affair (eMMC may leave ones), and how exactly a programmer keeps to its range is not known. Whoever
// writes an image of mostly nothing (userdata) erases the partition first, and then pays for digests only.
//
// A programmer without digests gets every piece: reading back costs the same link as writing, so asking that way is never cheaper.
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { bytes, type Sha256 } from '../../../shared/units.ts'
import { release } from '../../core/release.ts'
import type { Extent, ImageSource } from '../../core/source.ts'
import { type Piece, pieceContents, pieceRanges } from '../../core/storage/pieces.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import type { StreamHasher } from '../../core/workshop.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { WriteOptions, WriteReceipt } from '../types.ts'
import { Asking } from './asking.ts'
import type { PieceDigest, StreamedImage } from './proven-writes.ts'

const MIB = 1024 * 1024
/** Two pieces are in memory at a time. The first one is small, because nothing is sent until it is made. */
const LIMITS = { first: 8 * MIB, others: 64 * MIB }
/** Bytes of a run of equal words that are made at a time. */
const FILL_BYTES = MIB

export interface ImageJob {
  readonly firehose: Firehose
  /** Of the partition, for messages. */
  readonly name: string
  readonly image: ImageSource
  /** Where it goes, with all the room that there is. */
  readonly ranges: readonly SectorRange[]
  readonly sectorSize: number
  /** The programmer digests sectors by itself. */
  readonly digests: boolean
}

export interface WrittenImage {
  readonly receipt: WriteReceipt
  /** Undefined where the programmer could not be asked to prove it. */
  readonly streamed: StreamedImage | undefined
}

/** @throws SlotbenchError `image-too-large` before anything is sent; `digest-mismatch` before the last piece is sent when the stream is
 * not what the image promises; `terminal-*`. */
export async function writeImage(job: ImageJob, o: WriteOptions): Promise<WrittenImage> {
  const startedAt = performance.now()
  const { image, name, ranges, sectorSize } = job
  if (image.size === 0) throw new SlotbenchError('package-incomplete', `the image for ${name} is empty`)
  const pieces = pieceRanges(ranges, { size: image.size, sectorSize }, LIMITS)
  const building = new AbortController()
  const maker = new PieceMaker(job, pieces, { ...o, signal: AbortSignal.any([o.signal, building.signal]) })
  const asking = new Asking(job.digests)
  const proven: PieceDigest[] = []
  let [wireBytes, sent] = [0, 0]
  let next = maker.next()
  try {
    for (const piece of pieces) {
      const { runs, sha256 } = await next
      const last = piece.end === image.size
      const whole = last ? await maker.wholeDigest() : undefined
      if (!last) next = ahead(maker)
      const target = { ...piece.range, sectorSize }
      if (sha256 !== undefined) proven.push({ range: piece.range, sha256 })
      const known = sha256 !== undefined && (await asking.holds(() => job.firehose.digest(target, o), sha256))
      if (!known) {
        await job.firehose.program(
          target,
          content({ runs, piece, sectorSize }, progressOf(piece, image, o)),
          o,
        )
        wireBytes += piece.range.count * sectorSize
        sent += 1
      }
      for (const run of runs) if (run.kind === 'data') release(run.bytes)
      o.onProgress?.(piece.end, image.size)
      if (whole === undefined) continue
      const receipt = {
        imageBytes: image.size,
        wireBytes: bytes(wireBytes),
        sha256: whole,
        pieces: sent,
        durationMs: performance.now() - startedAt,
      }
      const streamed = { ranges, size: image.size, sha256: whole, pieces: proven }
      return { receipt, streamed: proven.length === pieces.length ? streamed : undefined }
    }
    throw new SlotbenchError('internal', `the pieces of the image for ${name} stop before its end`)
  } finally {
    building.abort()
    maker.close()
  }
}

/** The digests of an image and of its pieces, without sending any of it.
 * @throws SlotbenchError `image-too-large`, or what reading the image throws. */
export async function streamImage(job: ImageJob, o: WriteOptions): Promise<StreamedImage> {
  const { image, ranges, sectorSize } = job
  const pieces = pieceRanges(ranges, { size: image.size, sectorSize }, LIMITS)
  const maker = new PieceMaker({ ...job, digests: true }, pieces, o)
  const proven: PieceDigest[] = []
  try {
    for (const { range, end } of pieces) {
      const { runs, sha256 } = await maker.next()
      for (const run of runs) if (run.kind === 'data') release(run.bytes)
      if (sha256 !== undefined) proven.push({ range, sha256 })
      o.onProgress?.(end, image.size)
    }
    return { ranges, size: image.size, sha256: await maker.wholeDigest(), pieces: proven }
  } finally {
    maker.close()
  }
}

interface MadePiece {
  readonly runs: readonly Extent[]
  /** Of its whole sectors; undefined where nobody would be asked for it. */
  readonly sha256: Sha256 | undefined
}

/** Makes the pieces of an image one after the other, and hashes each and the whole. */
class PieceMaker {
  readonly #job: ImageJob
  readonly #pieces: readonly Piece[]
  readonly #whole: StreamHasher
  readonly #newHasher: () => StreamHasher
  readonly #contents: AsyncGenerator<readonly Extent[], void, void>
  #own: StreamHasher | undefined
  #made = 0

  constructor(job: ImageJob, pieces: readonly Piece[], o: WriteOptions) {
    this.#job = job
    this.#pieces = pieces
    this.#newHasher = () => o.workshop.hasher()
    this.#whole = this.#newHasher()
    const tap = (extent: Extent) => this.#count(extent)
    this.#contents = pieceContents(job.image, pieces, { signal: o.signal, tap })
  }

  async next(): Promise<MadePiece> {
    this.#own = this.#job.digests ? this.#newHasher() : undefined
    const { value, done } = await this.#contents.next()
    const piece = this.#pieces[this.#made]
    if (done === true || piece === undefined)
      throw new SlotbenchError('internal', `the image for ${this.#job.name} ends before its last piece`)
    this.#made += 1
    const padding = piece.range.count * this.#job.sectorSize - (piece.end - piece.start)
    if (padding > 0) await this.#own?.fill(0, padding)
    const sha256 = await this.#own?.digest()
    this.#own?.close()
    return { runs: value, sha256 }
  }

  /** @throws SlotbenchError `digest-mismatch`. */
  async wholeDigest(): Promise<Sha256> {
    const { image, name } = this.#job
    const sha256 = await this.#whole.digest()
    if (image.sha256 !== undefined && image.sha256 !== sha256)
      throw new SlotbenchError(
        'digest-mismatch',
        `the image for ${name} has SHA-256 ${sha256}, but ${image.sha256} is promised`,
      )
    return sha256
  }

  close(): void {
    this.#own?.close()
    this.#whole.close()
    void this.#contents.return(undefined).catch(() => undefined)
  }

  async #count(extent: Extent): Promise<Extent> {
    switch (extent.kind) {
      case 'data': {
        let content = await this.#whole.update(extent.bytes)
        if (this.#own !== undefined) content = await this.#own.update(content)
        return { ...extent, bytes: content }
      }
      case 'fill':
      case 'hole': {
        const word = extent.kind === 'fill' ? extent.word : 0
        await this.#whole.fill(word, extent.length)
        await this.#own?.fill(word, extent.length)
        return extent
      }
      default:
        return missingCase(extent)
    }
  }
}

/** Starts making the next piece. Its failure counts when it is waited for, or never when the current one fails first. */
function ahead(maker: PieceMaker): Promise<MadePiece> {
  const next = maker.next()
  next.catch(() => undefined)
  return next
}

function progressOf(
  { start }: Piece,
  { size }: ImageSource,
  { onProgress }: WriteOptions,
): (sent: number) => void {
  return (sent) => onProgress?.(Math.min(size, start + sent), size)
}

/** The bytes of a piece, its last sector filled up with zeros. They stay whole until the programmer has answered. */
async function* content(
  made: { readonly runs: readonly Extent[]; readonly piece: Piece; readonly sectorSize: number },
  onSent: (sent: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const { runs, piece, sectorSize } = made
  let sent = 0
  for (const run of runs) {
    const word = run.kind === 'fill' ? run.word : 0
    const parts = run.kind === 'data' ? [run.bytes] : repeated(word, run.length)
    for (const part of parts) {
      yield part
      sent += part.length
      onSent(sent)
    }
  }
  const padding = piece.range.count * sectorSize - (piece.end - piece.start)
  if (padding > 0) yield new Uint8Array(padding)
}

/** `length` bytes of the little-endian u32 `word`, over and over. */
function* repeated(word: number, length: number): Generator<Uint8Array<ArrayBuffer>, void, void> {
  const block = new Uint8Array(Math.min(length, FILL_BYTES))
  if (word !== 0) {
    const pattern = new Uint8Array(4)
    new DataView(pattern.buffer).setUint32(0, word, true)
    for (let at = 0; at < block.length; at += 4) block.set(pattern.subarray(0, block.length - at), at)
  }
  for (let done = 0; done < length; done += block.length)
    yield block.subarray(0, Math.min(block.length, length - done))
}
