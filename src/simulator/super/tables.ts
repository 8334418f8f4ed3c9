// The tables of super as a terminal reads and writes them: one metadata slot for each boot slot, two copies of each
// (AOSP liblp reader.cpp and writer.cpp).
import { readSuper, type SuperGeometry, type SuperMetadata } from '../../main/core/formats/super.ts'
import { parseMetadata } from '../../main/core/formats/super-metadata.ts'
import {
  encodeGeometry,
  encodeMetadata,
  encodeSuperTables,
  GEOMETRY_OFFSETS,
  metadataOffsets,
  SUPER_RESERVED,
} from '../../main/core/formats/super-writer.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { bytes, type Slot } from '../../shared/units.ts'
import type { Disk, Partition } from '../storage/disk.ts'

export const SUPER = 'super'
/** Boot slots, and with them the metadata slots that the tools of a terminal write (HAL: GetNumSlots). */
const BOOT_SLOTS = 2

export interface Tables {
  readonly geometry: SuperGeometry
  readonly metadata: SuperMetadata
}

/** Metadata slot 0 belongs to boot slot a (SlotNumberForSlotSuffix). */
export function metadataSlot(slot: Slot | undefined): number {
  return slot === 'b' ? 1 : 0
}

/** The backup stands in for a damaged first copy. @returns undefined when no copy is whole, or there is no super. */
export async function readTables(disk: Disk, slot: number): Promise<Tables | undefined> {
  const partition = disk.find(SUPER)
  if (!partition) return undefined
  const source = {
    name: SUPER,
    size: bytes(partition.size),
    read: (offset: number, length: number) => disk.read(partition, offset, length),
    close: async () => {},
  }
  try {
    const { form, geometry, metadata } = await readSuper(source, {
      signal: new AbortController().signal,
      slot,
    })
    return form === 'whole' ? { geometry, metadata } : undefined
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'super-invalid') return undefined
    throw thrown
  }
}

/** Writes one metadata slot, first copy and then backup; before that both are brought to what was good, so that a power cut
 * always leaves one whole copy (UpdatePartitionTable).
 * @throws SlotbenchError `super-invalid` when the table is for another super or does not fit. */
export async function updateTables(disk: Disk, slot: number, tables: Tables): Promise<void> {
  const partition = disk.get(SUPER)
  const { geometry, metadata } = tables
  const present = await readTables(disk, slot)
  const bytes = encodeMetadata(geometry, metadata)
  checkDevice(partition, tables)
  if (present && !sameGeometry(present.geometry, geometry))
    throw new SlotbenchError('super-invalid', 'the tables have another geometry than super')
  if (!present && !(await hasGeometry(disk, partition, geometry)))
    throw new SlotbenchError('super-invalid', 'super has no geometry of that kind')
  const { primary, backup } = metadataOffsets(geometry, slot)
  await repair(disk, partition, { primary, backup, size: geometry.metadataMaxSize })
  for (const place of [primary, backup]) await disk.write(partition, place, bytes)
}

/** Every metadata slot that a boot slot uses gets the same table (fastboot/device/utility.cpp, UpdateAllPartitionMetadata). */
export async function updateAllTables(disk: Disk, tables: Tables): Promise<void> {
  for (let slot = 0; slot < Math.min(BOOT_SLOTS, tables.geometry.slotCount); slot++)
    await updateTables(disk, slot, tables)
}

/** Everything anew, as a factory and a wipe do (FlashPartitionTable): zeros, geometry twice, then each slot's copies. */
export async function flashTables(disk: Disk, tables: Tables): Promise<void> {
  const partition = disk.get(SUPER)
  const { geometry, metadata } = tables
  // Nothing is written that does not fit together.
  encodeSuperTables(geometry, metadata)
  checkDevice(partition, tables)
  await disk.write(partition, 0, new Uint8Array(SUPER_RESERVED))
  for (const place of GEOMETRY_OFFSETS) await disk.write(partition, place, encodeGeometry(geometry))
  const copy = encodeMetadata(geometry, metadata)
  for (let slot = 0; slot < geometry.slotCount; slot++) {
    const { primary, backup } = metadataOffsets(geometry, slot)
    await disk.write(partition, primary, copy)
    await disk.write(partition, backup, copy)
  }
}

interface Copies {
  readonly primary: number
  readonly backup: number
  readonly size: number
}

async function repair(disk: Disk, partition: Partition, { primary, backup, size }: Copies): Promise<void> {
  const [first, second] = [
    await disk.read(partition, primary, size),
    await disk.read(partition, backup, size),
  ]
  if (isWhole(first)) {
    if (Buffer.compare(first, second) !== 0) await disk.write(partition, backup, first)
  } else if (isWhole(second)) await disk.write(partition, primary, second)
}

function isWhole(copy: Uint8Array): boolean {
  try {
    parseMetadata(copy)
    return true
  } catch (thrown) {
    if (thrown instanceof SlotbenchError) return false
    throw thrown
  }
}

async function hasGeometry(disk: Disk, partition: Partition, geometry: SuperGeometry): Promise<boolean> {
  const wanted = encodeGeometry(geometry)
  for (const place of GEOMETRY_OFFSETS) {
    if (Buffer.compare(await disk.read(partition, place, wanted.length), wanted) === 0) return true
  }
  return false
}

function checkDevice(partition: Partition, { metadata }: Tables): void {
  const [device] = metadata.blockDevices
  if (metadata.blockDevices.length !== 1 || device?.name !== SUPER || device.size > partition.size)
    throw new SlotbenchError('super-invalid', `the tables are not for a super of ${partition.size} bytes`)
}

function sameGeometry(a: SuperGeometry, b: SuperGeometry): boolean {
  return (
    a.metadataMaxSize === b.metadataMaxSize &&
    a.slotCount === b.slotCount &&
    a.logicalBlockSize === b.logicalBlockSize
  )
}
