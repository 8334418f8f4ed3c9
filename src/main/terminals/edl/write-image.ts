// One image into sectors by a Firehose programmer: only pieces that the storage does not hold already, hashed on their way, one ahead.
//
// Holes count as zeros, always, because a whole partition is what the plan vouches for and reads back; so they must be zeros there. They
// are compared like everything else, and sent as zeros only where the storage holds something else. They are not erased instead: what an
// erase leaves is the storage's own affair (eMMC may leave ones), and how exactly a programmer keeps to its range is not known. Whoever
// writes an image of mostly nothing (userdata) erases the partition first, and then pays for digests only.
//
// A programmer without digests gets every piece: reading back costs the same link as writing, so asking that way is never cheaper.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { bytes } from '../../../shared/units.ts'
import { extentEnd } from '../../core/formats/extents.ts'
import { release } from '../../core/release.ts'
import type { Extent, ImageSource } from '../../core/source.ts'
import { type Piece, pieceRanges } from '../../core/storage/pieces.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { WriteOptions, WriteReceipt } from '../types.ts'
import { Asking, type Question } from './asking.ts'
import { type MadePiece, PieceMaker, repeated } from './piece-maker.ts'
import type { PieceDigest, StreamedImage } from './proven-writes.ts'

const MIB = 1024 * 1024
/** Two pieces are in memory at a time, one that goes and one that comes. The first ones are small, because nothing is sent until they are
 * made. */
const LIMITS = { first: 8 * MIB, most: 64 * MIB }
/** How far beyond what the terminal has taken the image may be made: a whole piece, and enough for that to be complete in time. */
const MADE_AHEAD = LIMITS.most + 16 * MIB

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
  const signal = AbortSignal.any([o.signal, building.signal])
  const maker = new PieceMaker(job, pieces, { signal, workshop: o.workshop }, MADE_AHEAD)
  const asking = new Asking(job.digests)
  const proven: PieceDigest[] = []
  let [wireBytes, sent] = [0, 0]
  let next = maker.next()
  try {
    for (const piece of pieces) {
      const { runs, sha256, sample } = await next
      const last = piece.end === image.size
      const whole = last ? await maker.wholeDigest() : undefined
      if (!last) next = ahead(maker)
      const target = { ...piece.range, sectorSize }
      if (sha256 !== undefined) proven.push({ range: piece.range, sha256 })
      // While the terminal digests all of a piece the link rests, and the cores are free.
      const onAsk = () => maker.allow(piece.end + MADE_AHEAD)
      const made = { range: piece.range, sample, onAsk }
      const known = sha256 !== undefined && (await holds(asking, job, { ...made, sha256 }, o))
      const letGo = releasing(runs, piece)
      const onSent = (bytes: number) => {
        letGo(bytes)
        maker.allow(piece.start + bytes + MADE_AHEAD)
      }
      if (!known) {
        await job.firehose.program(
          target,
          content({ runs, piece, sectorSize }, progressOf(piece, image, o)),
          { signal: o.signal, deadline: o.deadline, onSent },
        )
        wireBytes += piece.range.count * sectorSize
        sent += 1
      }
      onSent(piece.end - piece.start)
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

/** Whether the terminal says that it holds the piece already. */
async function holds(
  asking: Asking,
  { firehose, sectorSize }: ImageJob,
  made: Pick<MadePiece, 'sample'> & PieceDigest & { readonly onAsk: () => void },
  o: IoOptions,
): Promise<boolean> {
  const question = ({ range, sha256: wanted }: PieceDigest, onAsk?: () => void): Question => ({
    wanted,
    ask: () => {
      onAsk?.()
      return firehose.digest({ ...range, sectorSize }, o)
    },
  })
  return await asking.holds(question(made, made.onAsk), made.sample && question(made.sample))
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

/** Lets go of each run as soon as the terminal has it: half as much is in memory then when the next piece is complete, and the garbage
 * collector, which looks at how much comes and goes, need not be called for every piece. */
function releasing(runs: readonly Extent[], { start }: Piece): (sent: number) => void {
  let next = 0
  return (sent) => {
    for (let run = runs[next]; run !== undefined && extentEnd(run) <= start + sent; run = runs[++next])
      if (run.kind === 'data') release(run.bytes)
  }
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
