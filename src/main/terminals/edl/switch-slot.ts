// Carries a slot switch out on a terminal in EDL, in the order that core/storage/slot-switch.ts reasons about; repeatable from any point.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Slot } from '../../../shared/units.ts'
import type { LunTable } from '../../core/storage/partitions.ts'
import { planSlotSwitch } from '../../core/storage/slot-switch.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { EdlDisk } from '../types.ts'
import { type EdlReading, slotStorage } from './facts.ts'
import { Misc } from './misc.ts'
import { SectorIo } from './sector-io.ts'
import { writeTable } from './write-table.ts'

/** LUNs from which UFS boots; their tables have to be known before anything is switched. */
const BOOT_LUNS: readonly number[] = [1, 2]

/** @throws SlotbenchError `terminal-refused` where there are no slots, or the programmer does not choose boot LUNs (the tables are then put
 * back as they were), `gpt-invalid` where a table that takes part cannot be read. */
export async function switchSlot(
  firehose: Firehose,
  reading: EdlReading,
  slot: Slot,
  o: IoOptions,
): Promise<void> {
  const { disks, memory } = reading
  const unknown = disks.find(({ lun, table }) => table === undefined && BOOT_LUNS.includes(lun))
  if (memory === 'ufs' && unknown !== undefined)
    throw new SlotbenchError(
      'gpt-invalid',
      `the table of LUN ${unknown.lun} cannot be read (${unknown.primary}), so the first boot stage cannot be switched with the rest`,
    )
  const { tables, control, bootLun } = planSlotSwitch(slotStorage(reading), slot)
  if (control !== undefined) await Misc.in(disks, new SectorIo(firehose))?.writeControl(control, o)
  await writeTables(firehose, disks, tables, o)
  if (bootLun === undefined) return
  try {
    await firehose.setBootableDrive(bootLun, o)
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (error.code !== 'terminal-refused') throw error
    // Half a switch is worse than none. The one that decides goes back first.
    const before = tables.flatMap(({ lun }) => {
      const table = disks.find((disk) => disk.lun === lun)?.table
      return table === undefined ? [] : { lun, table }
    })
    const now = tables.flatMap(({ lun, table }) => {
      const disk = disks.find((one) => one.lun === lun)
      return disk === undefined ? [] : { ...disk, table, primary: 'valid', backup: 'valid' }
    })
    await writeTables(firehose, now, before.toReversed(), o)
    throw error
  }
}

async function writeTables(
  firehose: Firehose,
  disks: readonly EdlDisk[],
  tables: readonly LunTable[],
  o: IoOptions,
): Promise<void> {
  for (const { lun, table } of tables) {
    const disk = disks.find((one) => one.lun === lun)
    if (disk !== undefined) await writeTable(firehose, disk, table, o)
  }
}
