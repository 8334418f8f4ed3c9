// Pieces of an image made one after the other, each hashed, the whole as well, on their way into memory.
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { Extent, ImageSource } from '../../core/source.ts'
import { type Piece, pieceContents } from '../../core/storage/pieces.ts'
import type { StreamHasher, Workshop } from '../../core/workshop.ts'
import type { WriteOptions } from '../types.ts'
import type { PieceDigest } from './proven-writes.ts'

/** Bytes of a run of equal words that are made at a time. */
const FILL_BYTES = 1024 * 1024
/** Bytes at the start of a piece that tell most pieces of another build from ours. */
const SAMPLE_BYTES = 128 * 1024

export interface MadePiece {
  readonly runs: readonly Extent[]
  /** Of its whole sectors; undefined where nobody would be asked for it. */
  readonly sha256: Sha256 | undefined
  /** Of its first sectors, if there is a digest and the piece is much longer than they are. */
  readonly sample: PieceDigest | undefined
}

export interface PieceJob {
  readonly image: ImageSource
  /** Of the partition, for messages. */
  readonly name: string
  readonly sectorSize: number
  /** Somebody will be asked for the digests of pieces. */
  readonly digests: boolean
}

/** Makes the pieces of an image one after the other, and hashes each and the whole. */
export class PieceMaker {
  readonly #job: PieceJob
  readonly #pieces: readonly Piece[]
  readonly #whole: StreamHasher
  readonly #workshop: Workshop
  readonly #contents: AsyncGenerator<readonly Extent[], void, void>
  #own: StreamHasher | undefined
  #made = 0
  /** Bytes of the image that may be made by now, and how those hear of it who wait for more. */
  #allowed: number
  #news = Promise.withResolvers<void>()

  /** @param allowed bytes of the image that are made without waiting for {@link allow}. */
  constructor(
    job: PieceJob,
    pieces: readonly Piece[],
    o: Pick<WriteOptions, 'signal' | 'workshop'>,
    allowed = Number.POSITIVE_INFINITY,
  ) {
    this.#job = job
    this.#allowed = allowed
    this.#pieces = pieces
    this.#workshop = o.workshop
    this.#whole = o.workshop.hasher()
    const tap = (extent: Extent) => this.#count(extent)
    this.#contents = pieceContents(job.image, pieces, { signal: o.signal, tap })
  }

  async next(): Promise<MadePiece> {
    this.#own = this.#job.digests ? this.#workshop.hasher() : undefined
    const { value, done } = await this.#contents.next()
    const piece = this.#pieces[this.#made]
    if (done === true || piece === undefined)
      throw new SlotbenchError('internal', `the image for ${this.#job.name} ends before its last piece`)
    this.#made += 1
    const padding = piece.range.count * this.#job.sectorSize - (piece.end - piece.start)
    if (padding > 0) await this.#own?.fill(0, padding)
    if (this.#own === undefined) return { runs: value, sha256: undefined, sample: undefined }
    const [sha256, sample] = await Promise.all([this.#own.digest(), this.#sample(value, piece)])
    this.#own.close()
    return { runs: value, sha256, sample }
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

  /** Made at full speed, the next piece would take the cores from the sending of this one, and then lie in memory while it lasts. */
  allow(upTo: number): void {
    if (upTo <= this.#allowed) return
    this.#allowed = upTo
    const news = this.#news
    this.#news = Promise.withResolvers()
    news.resolve()
  }

  close(): void {
    this.allow(Number.POSITIVE_INFINITY)
    this.#own?.close()
    this.#whole.close()
    void this.#contents.return(undefined).catch(() => undefined)
  }

  async #sample(runs: readonly Extent[], { range, start, end }: Piece): Promise<PieceDigest | undefined> {
    const count = Math.floor(SAMPLE_BYTES / this.#job.sectorSize)
    const length = count * this.#job.sectorSize
    if (length === 0 || end - start < 2 * length) return undefined
    const { sha256 } = await this.#workshop.sha256(beginning(runs, length))
    return { range: { ...range, count }, sha256 }
  }

  /** Each hasher answers in the order in which it was given work, so extents reach both of them in theirs. */
  async #count(extent: Extent): Promise<Extent> {
    const own = this.#own
    while (extent.offset >= this.#allowed) await this.#news.promise
    switch (extent.kind) {
      case 'data': {
        let content = await this.#whole.update(extent.bytes)
        if (own !== undefined) content = await own.update(content)
        return { ...extent, bytes: content }
      }
      case 'fill':
      case 'hole': {
        const word = extent.kind === 'fill' ? extent.word : 0
        await this.#whole.fill(word, extent.length)
        await own?.fill(word, extent.length)
        return extent
      }
      default:
        return missingCase(extent)
    }
  }
}

/** A copy of the first `length` bytes of these runs, which hold that much. */
function beginning(runs: readonly Extent[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let done = 0
  for (const run of runs) {
    const left = length - done
    if (left === 0) break
    const word = run.kind === 'fill' ? run.word : 0
    const parts = run.kind === 'data' ? [run.bytes] : repeated(word, Math.min(run.length, left))
    for (const part of parts) {
      const taken = part.subarray(0, length - done)
      bytes.set(taken, done)
      done += taken.length
    }
  }
  return bytes
}

/** `length` bytes of the little-endian u32 `word`, over and over. */
export function* repeated(word: number, length: number): Generator<Uint8Array<ArrayBuffer>, void, void> {
  const block = new Uint8Array(Math.min(length, FILL_BYTES))
  if (word !== 0) {
    const pattern = new Uint8Array(4)
    new DataView(pattern.buffer).setUint32(0, word, true)
    for (let at = 0; at < block.length; at += 4) block.set(pattern.subarray(0, block.length - at), at)
  }
  for (let done = 0; done < length; done += block.length)
    yield block.subarray(0, Math.min(block.length, length - done))
}
