// What storage a terminal in EDL has: sector size, LUNs, and the partition table of each.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { gptDiskSectors, readGpt, type SectorSize } from '../../core/formats/gpt.ts'
import type { LunTable } from '../../core/storage/partitions.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { EdlDisk } from '../types.ts'
import { type Lun, SectorIo } from './sector-io.ts'

const SECTOR_SIZES = [512, 4096] as const satisfies readonly SectorSize[]
/** UFS has eight; eMMC shows one, and NAND none that a partition table could be on. */
const MAX_LUNS = 8

/** Every LUN that is there, in order. LUNs are taken from what the programmer tells of its storage: one that it does not tell of, or
 * that has no sectors, is not provisioned and is not touched: a programmer may not recover from opening it (qdl PR #297). Only where it tells
 * nothing at all is the table looked for at LBA 1, with 512 and then 4096 bytes (zte-domain §4.2.4), on one LUN after the other; the
 * first one that is refused, or has no table, ends the search.
 * @throws SlotbenchError `terminal-*`; a LUN without a table is no error. */
export async function readStorage(firehose: Firehose, o: IoOptions): Promise<readonly EdlDisk[]> {
  const told = await toldLuns(firehose, o)
  if (told !== undefined) return await readDisks(firehose, told, o)
  const found: Lun[] = []
  for (let lun = 0; lun < lunLimit(firehose); lun++) {
    const sizes =
      found[0] === undefined ? SECTOR_SIZES : SECTOR_SIZES.filter((size) => size === found[0]?.sectorSize)
    const next = await probe(firehose, { lun, sizes }, o)
    if (next === undefined) break
    found.push(next)
  }
  return await readDisks(firehose, found, o)
}

/** The tables that can be read, for whoever works on tables. */
export function tablesOf(disks: readonly EdlDisk[]): readonly LunTable[] {
  return disks.flatMap(({ lun, table }) => (table === undefined ? [] : { lun, table }))
}

/** Both copies of one LUN's table. */
export async function readDisk(firehose: Firehose, disk: Lun, o: IoOptions): Promise<EdlDisk> {
  const { lun, sectorSize, sectors } = disk
  const nothing = (why: string): EdlDisk => ({
    lun,
    sectorSize,
    sectors,
    table: undefined,
    primary: why,
    backup: why,
  })
  const size = SECTOR_SIZES.find((known) => known === sectorSize)
  if (size === undefined) return nothing(`sectors of ${sectorSize} bytes carry no partition table`)
  const io = new SectorIo(firehose)
  const refusals: string[] = []
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    try {
      return await io.read(disk, { offset, length }, o)
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (error.code !== 'terminal-refused') throw error
      // One copy that cannot be read is a damaged copy; the other one counts.
      refusals.push(error.message)
      return new Uint8Array(length)
    }
  }
  try {
    const { table, primary, backup } = await readGpt(read, size, sectors)
    return {
      lun,
      sectorSize,
      sectors,
      table,
      primary: said(primary, refusals),
      backup: said(backup, refusals),
    }
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (error.code !== 'gpt-invalid') throw error
    return nothing(said(error.message, refusals))
  }
}

function said(verdict: string, refusals: readonly string[]): string {
  const why = refusals[0]
  return verdict === 'valid' || why === undefined ? verdict : `${verdict} (${why})`
}

async function readDisks(
  firehose: Firehose,
  luns: readonly Lun[],
  o: IoOptions,
): Promise<readonly EdlDisk[]> {
  const disks: EdlDisk[] = []
  for (const lun of luns) disks.push(await readDisk(firehose, lun, o))
  return disks
}

/** Undefined when the programmer tells nothing of its storage. */
async function toldLuns(firehose: Firehose, o: IoOptions): Promise<readonly Lun[] | undefined> {
  const first = await firehose.storageInfo(0, o)
  if (first === undefined) return undefined
  const luns: Lun[] = []
  const count = Math.min(first.luns ?? MAX_LUNS, lunLimit(firehose))
  for (let lun = 0; lun < count; lun++) {
    const info = lun === 0 ? first : await firehose.storageInfo(lun, o)
    // Where their number is not told, the first one that is missing is behind the last one.
    if (info === undefined && first.luns === undefined) break
    if (info === undefined || info.sectors === 0) continue
    const { sectorSize, sectors } = info
    if (!Number.isSafeInteger(sectorSize * sectors) || sectorSize <= 0)
      throw new SlotbenchError(
        'terminal-garbled',
        `LUN ${lun} is said to have ${sectors} sectors of ${sectorSize} bytes`,
      )
    luns.push({ lun, sectorSize, sectors })
  }
  return luns
}

/** Other LUNs of an eMMC are its boot and replay-protected areas, which hold no table of partitions. */
function lunLimit({ limits }: Firehose): number {
  return limits.memory === 'ufs' ? MAX_LUNS : 1
}

async function probe(
  firehose: Firehose,
  { lun, sizes }: { readonly lun: number; readonly sizes: readonly SectorSize[] },
  o: IoOptions,
): Promise<Lun | undefined> {
  for (const sectorSize of sizes) {
    try {
      const sector = await new SectorIo(firehose).read(
        { lun, sectorSize, sectors: 2 },
        { offset: sectorSize, length: sectorSize },
        o,
      )
      const sectors = gptDiskSectors(sector, sectorSize, 1)
      if (sectors !== undefined && Number.isSafeInteger(sectors * sectorSize))
        return { lun, sectorSize, sectors }
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (error.code !== 'terminal-refused') throw error
    }
  }
  return undefined
}
