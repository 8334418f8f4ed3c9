// The last line of defence before sectors of a terminal change: what belongs to it alone, and the tables by which everything is found,
// are left alone whatever anybody asks for (design, rule 7).
import { SlotbenchError } from '../../../shared/errors.ts'
import { splitSlot } from '../../../shared/units.ts'
import type { GptTable } from '../../core/formats/gpt.ts'
import { isProtected } from '../../core/plan/protected.ts'
import { overlap, placedPartitions } from '../../core/storage/partitions.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import type { EdlDisk } from '../types.ts'

/** @throws SlotbenchError `partition-protected`. */
export function checkUnprotected(partition: string): void {
  if (isOwn(partition))
    throw new SlotbenchError('partition-protected', `${partition} holds what belongs to this terminal alone`)
}

/** The LUN, when the range names sectors that it has.
 * @throws SlotbenchError `terminal-refused`. */
export function checkBounds(disks: readonly EdlDisk[], { lun, first, count }: SectorRange): EdlDisk {
  const disk = disks.find((one) => one.lun === lun)
  if (disk === undefined) throw new SlotbenchError('terminal-refused', `there is no LUN ${lun}`)
  const sane = Number.isSafeInteger(first) && Number.isSafeInteger(count) && first >= 0 && count > 0
  // A programmer that is given neither start nor count takes the whole LUN (zte-domain §4.2.3).
  if (!sane || first + count > disk.sectors)
    throw new SlotbenchError(
      'terminal-refused',
      `sectors ${first}+${count} do not lie on LUN ${lun}, which has ${disk.sectors}`,
    )
  return disk
}

/** Whether these sectors may change without a word for it: they lie between the two copies of a table that can be read, and no partition
 * that belongs to the terminal alone has one of them.
 * @throws SlotbenchError `partition-protected`. */
export function checkSectorsUnprotected({ lun, table }: EdlDisk, range: SectorRange): void {
  if (table === undefined)
    throw new SlotbenchError(
      'partition-protected',
      `the partition table of LUN ${lun} cannot be read, so what lies in its sectors is not known; write its table first`,
    )
  const { firstUsable, lastUsable } = table
  if (range.first < firstUsable || range.first + range.count - 1 > lastUsable)
    throw new SlotbenchError(
      'partition-protected',
      `sectors ${range.first}+${range.count} of LUN ${lun} reach into its partition table, which is written as a table`,
    )
  const own = placedPartitions([{ lun, table }]).find((one) => isOwn(one.name) && overlap(one.range, range))
  if (own !== undefined)
    throw new SlotbenchError(
      'partition-protected',
      `sectors ${range.first}+${range.count} of LUN ${lun} reach into ${own.name}, whose content belongs to this terminal alone`,
    )
}

/** A table that moves what belongs to the terminal loses it as surely as writing over it does. It may gain such a partition, where
 * nothing of another kind lies now.
 * @throws SlotbenchError `partition-protected`. */
export function checkOwnStays({ lun, table: present }: EdlDisk, table: GptTable): void {
  if (present === undefined) return
  const places = new Map(placedPartitions([{ lun, table }]).map(({ name, range }) => [name, range]))
  for (const { name, range } of placedPartitions([{ lun, table: present }])) {
    const now = places.get(name)
    if (!isOwn(name) || (now?.first === range.first && now.count === range.count)) continue
    throw new SlotbenchError(
      'partition-protected',
      `the new table of LUN ${lun} ${now === undefined ? 'has no' : 'moves'} ${name}, whose content belongs to this terminal alone`,
    )
  }
}

function isOwn(partition: string): boolean {
  const name = partition.toLowerCase()
  return isProtected(name) || isProtected(splitSlot(name).base)
}
