// Writes the partition table of one LUN: both copies, each read back, in the order in which one good copy is always there.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { encodeGpt, type GptTable } from '../../core/formats/gpt.ts'
import { copyOrder } from '../../core/storage/copy-order.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { EdlDisk } from '../types.ts'
import { readDisk } from './read-storage.ts'
import { SectorIo } from './sector-io.ts'

/** Nothing is sent for a copy that is as wanted already, so a write that was cut off is repeated for the price of the rest.
 * @returns the LUN as it is then.
 * @throws SlotbenchError `gpt-invalid` for a table that is not for this LUN or contradicts itself (before anything is sent),
 * `storage-unreliable` when a copy is not what was written; the copy that was good before is good still. */
export async function writeTable(
  firehose: Firehose,
  disk: EdlDisk,
  table: GptTable,
  o: IoOptions,
): Promise<EdlDisk> {
  const { lun, sectorSize, sectors } = disk
  if (table.sectorSize !== sectorSize || table.diskSectors !== sectors)
    throw new SlotbenchError(
      'gpt-invalid',
      `the table is for ${table.diskSectors} sectors of ${table.sectorSize} bytes, LUN ${lun} has ${sectors} of ${sectorSize}`,
    )
  const encoded = encodeGpt(table)
  const io = new SectorIo(firehose)
  const boot = await io.read(disk, { offset: 0, length: sectorSize }, o)
  // Programs that know no GPT go by it, and so does the test of ours that is somebody else's (sgdisk).
  if (boot[510] !== 0x55 || boot[511] !== 0xaa) await io.write(disk, 0, encoded.protectiveMbr, o)
  for (const copy of copyOrder(disk.primary === 'valid')) {
    const { lba, bytes } = encoded[copy]
    await io.write(disk, lba * sectorSize, bytes, o)
  }
  const after = await readDisk(firehose, disk, o)
  if (after.primary !== 'valid' || after.backup !== 'valid')
    throw new SlotbenchError(
      'storage-unreliable',
      `the table of LUN ${lun} was written and read back, and is not whole: primary ${after.primary}, backup ${after.backup}`,
    )
  return after
}
