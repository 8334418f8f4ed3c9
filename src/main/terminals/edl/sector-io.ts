// Small reads and writes of a LUN by bytes, in whole sectors; what is written here is read back at once.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { joinBytes } from '../../core/formats/join-bytes.ts'
import type { PlacedPartition } from '../../core/storage/partitions.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'

/** A LUN, and what its sectors are. */
export interface Lun {
  readonly lun: number
  /** Bytes. */
  readonly sectorSize: number
  readonly sectors: number
}

/** Bytes of a LUN from a byte offset on. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** Tables and messages; images go another way. */
const MAX_SMALL = 16 * 1024 * 1024

export class SectorIo {
  readonly #firehose: Firehose

  constructor(firehose: Firehose) {
    this.#firehose = firehose
  }

  /** @throws SlotbenchError `terminal-garbled` when the programmer gives more or fewer bytes than it was asked for. */
  async read(lun: Lun, { offset, length }: ByteRange, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    if (length === 0) return new Uint8Array(0)
    const { first, count } = enclosing(lun, { offset, length })
    const parts: Uint8Array[] = []
    const target = { lun: lun.lun, first, count, sectorSize: lun.sectorSize }
    for await (const part of this.#firehose.read(target, o)) parts.push(part)
    const whole = joinBytes(parts)
    if (whole.length !== count * lun.sectorSize)
      throw new SlotbenchError(
        'terminal-garbled',
        `${whole.length} bytes of LUN ${lun.lun} came instead of ${count * lun.sectorSize}`,
      )
    const skipped = offset - first * lun.sectorSize
    return whole.slice(skipped, skipped + length)
  }

  /** The sectors around keep what they hold. Nothing is sent when the bytes are there already.
   * @throws SlotbenchError `storage-unreliable` when they are not there afterwards. */
  async write(lun: Lun, offset: number, bytes: Uint8Array, o: IoOptions): Promise<void> {
    const { sectorSize } = lun
    const { first, count } = enclosing(lun, { offset, length: bytes.length })
    const around = { offset: first * sectorSize, length: count * sectorSize }
    const before = await this.read(lun, around, o)
    const wanted = before.slice()
    wanted.set(bytes, offset - around.offset)
    if (Buffer.compare(before, wanted) === 0) return
    const target = { lun: lun.lun, first, count, sectorSize }
    // Whoever sends them may keep them; what is compared afterwards is a copy of our own.
    await this.#firehose.program(target, only(wanted.slice()), o)
    const after = await this.read(lun, around, o)
    if (Buffer.compare(after, wanted) !== 0)
      throw new SlotbenchError(
        'storage-unreliable',
        `sectors ${first}-${first + count - 1} of LUN ${lun.lun} do not hold what was written to them`,
      )
  }
}

/** The part of a LUN that a partition is, so that offsets count from its start. */
export function offsetIn(place: PlacedPartition, offset: number): number {
  return place.range.first * place.sectorSize + offset
}

function enclosing(
  { lun, sectorSize, sectors }: Lun,
  { offset, length }: ByteRange,
): { readonly first: number; readonly count: number } {
  const first = Math.floor(offset / sectorSize)
  const count = Math.ceil((offset + length) / sectorSize) - first
  const sane = Number.isSafeInteger(offset) && offset >= 0 && length > 0 && length <= MAX_SMALL
  if (!sane || first + count > sectors)
    throw new SlotbenchError('internal', `bytes ${offset}+${length} of LUN ${lun} with ${sectors} sectors`)
  return { first, count }
}

async function* only(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield bytes
}
