// The SHA-256 of what a terminal in EDL holds: by its own digests where they can prove it, else read back.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Sha256 } from '../../../shared/units.ts'
import { release } from '../../core/release.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { WriteOptions } from '../types.ts'
import type { StreamedImage } from './proven-writes.ts'

const MIB = 1024 * 1024
/** Of one question. Over more than 512 MiB programmers have been seen to hang (zte-domain §0.10); half of that leaves time to the slow. */
const MAX_DIGEST = 256 * MIB
/** Of one read: progress and cancelling stay lively. */
const MAX_READ = 64 * MIB

/** The first `size` bytes of these sectors. */
export interface Held {
  readonly firehose: Firehose
  readonly ranges: readonly SectorRange[]
  readonly size: number
  readonly sectorSize: number
  /** The programmer digests sectors by itself. */
  readonly digests: boolean
}

/** One SHA-256 of a whole image cannot be put together from those of its pieces, and one over gigabytes is more than a programmer should
 * be asked for. So a large range is proven by what was streamed: when the terminal says of every piece what that piece hashes to, it
 * holds those very bytes, and they hash to the whole that was computed along the way. Where a piece differs, or nothing was streamed,
 * the bytes come back over the wire and are hashed here.
 * @param known what these sectors should hold, piece by piece. */
export async function digestRanges(
  held: Held,
  known: StreamedImage | undefined,
  o: WriteOptions,
): Promise<Sha256> {
  if (held.digests && known !== undefined && (await holdsAll(held, known, o))) return known.sha256
  return (await digestInOne(held, o)) ?? (await digestReadBack(held, o))
}

/** The bytes, in order. Each command is read to its end, or the programmer could not be asked for anything else. */
export async function* readRanges(
  { firehose, ranges, size, sectorSize }: Omit<Held, 'digests'>,
  o: IoOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let left = size
  for (const { lun, first, count } of ranges) {
    const step = MAX_READ / sectorSize
    for (let done = 0; done < count && left > 0; done += step) {
      const sectors = Math.min(step, count - done, Math.ceil(left / sectorSize))
      const target = { lun, first: first + done, count: sectors, sectorSize }
      let came = 0
      for await (const part of firehose.read(target, o)) {
        came += part.length
        const wanted = part.subarray(0, Math.min(part.length, left))
        left -= wanted.length
        if (wanted.length > 0) yield wanted
      }
      if (came !== sectors * sectorSize)
        throw new SlotbenchError(
          'terminal-garbled',
          `${came} bytes came instead of ${sectors * sectorSize} from sector ${target.first} of LUN ${lun}`,
        )
    }
  }
  if (left > 0)
    throw new SlotbenchError('terminal-refused', `${size} bytes are more than there is: ${size - left} bytes`)
}

async function holdsAll(held: Held, { pieces, size }: StreamedImage, o: WriteOptions): Promise<boolean> {
  const { firehose, sectorSize } = held
  let done = 0
  for (const { range, sha256 } of pieces) {
    if ((await firehose.digest({ ...range, sectorSize }, io(o))) !== sha256) return false
    done += range.count * sectorSize
    o.onProgress?.(Math.min(done, size), size)
  }
  return true
}

async function digestInOne(held: Held, o: WriteOptions): Promise<Sha256 | undefined> {
  const { firehose, ranges, size, sectorSize, digests } = held
  const [range, ...others] = ranges
  const count = size / sectorSize
  const whole = range !== undefined && others.length === 0 && Number.isInteger(count) && count <= range.count
  if (!digests || !whole || count === 0 || size > MAX_DIGEST) return undefined
  const sha256 = await firehose.digest({ lun: range.lun, first: range.first, count, sectorSize }, io(o))
  if (sha256 !== undefined) o.onProgress?.(size, size)
  return sha256
}

async function digestReadBack(held: Held, o: WriteOptions): Promise<Sha256> {
  const hasher = o.workshop.hasher()
  let done = 0
  try {
    for await (const part of readRanges(held, io(o))) {
      done += part.length
      // The hasher takes the memory; what the programmer read into may be used again.
      release(await hasher.update(new Uint8Array(part)))
      o.onProgress?.(done, held.size)
    }
    return await hasher.digest()
  } finally {
    hasher.close()
  }
}

function io({ signal, deadline }: IoOptions): IoOptions {
  return { signal, deadline }
}
