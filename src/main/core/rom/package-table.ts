// The partition table that an EDL package gives a LUN, on a disk of a certain size.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { DiskPlace, PackageTable } from '../../../shared/rom.ts'
import { encodeGpt, type GptTable } from '../formats/gpt.ts'

/** What the terminal would have after the package's tables were programmed and patched there.
 * @throws SlotbenchError `rawprogram-invalid` when the disk is too small for it. */
export function packageTable(table: PackageTable, diskSectors: number): GptTable {
  const on = ({ fromDisk, plus }: DiskPlace) => fromDisk * diskSectors + plus
  const { sectorSize, diskGuid, entryCount } = table
  const found: GptTable = {
    ...{ diskGuid, sectorSize, diskSectors, entryCount },
    firstUsable: on(table.firstUsable),
    lastUsable: on(table.lastUsable),
    entries: table.entries.map(({ first, last, attributes, ...entry }) => ({
      ...entry,
      firstLba: on(first),
      lastLba: on(last),
      attributes: BigInt(`0x${attributes}`),
    })),
  }
  try {
    encodeGpt(found)
  } catch (cause) {
    if (!(cause instanceof SlotbenchError)) throw cause
    throw new SlotbenchError(
      'rawprogram-invalid',
      `the package’s partition table for LUN ${table.lun} does not fit a disk of ${diskSectors} sectors: ${cause.message}`,
      { cause },
    )
  }
  return found
}
