// Changes to the tables of super as a terminal's own fastbootd makes them, for a mode in which nobody makes them for us (AOSP
// fastboot/device: commands.cpp, flashing.cpp UpdateSuper, utility.cpp UpdateAllPartitionMetadata). Pure: bytes come in and go out.
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Slot, splitSlot } from '../../../shared/units.ts'
import { COW_GROUP, LP_ATTRIBUTE, SuperBuilder } from '../formats/super-builder.ts'
import {
  GEOMETRY_SIZE,
  LP_SECTOR,
  type SuperGeometry,
  type SuperMetadata,
} from '../formats/super-metadata.ts'
import { encodeGeometry, encodeMetadata, GEOMETRY_OFFSETS, metadataOffsets } from '../formats/super-writer.ts'
import type { PlacedPartition } from './partitions.ts'
import type { SectorRange } from './sectors.ts'

export interface SuperTablesOf {
  readonly geometry: SuperGeometry
  readonly metadata: SuperMetadata
}

/** Which copy of the metadata a slot boots with (liblp SlotNumberForSlotSuffix); 0 without slots. */
export function metadataSlot(slot: Slot | undefined): number {
  return slot === 'b' ? 1 : 0
}

/** The metadata slots that belong to boot slots; those beyond them are left alone, as by the terminal's own tools. */
export function bootMetadataSlots({ slotCount }: SuperGeometry, hasSlots: boolean): readonly number[] {
  return [0, 1].slice(0, Math.min(hasSlots ? 2 : 1, slotCount))
}

/** The same tables when there is none of that name. */
export function withoutLogical({ geometry, metadata }: SuperTablesOf, name: string): SuperMetadata {
  if (!metadata.partitions.some((partition) => partition.name === name)) return metadata
  return SuperBuilder.from(geometry, metadata).removePartition(name).build()
}

/** The partition made when it is missing, in the group `default`, which has no limit; one that exists keeps its group and loses its
 * snapshot. @param orAnew where its group has no room, it is made anew like a missing one; what it holds is lost.
 * @throws SlotbenchError `super-space`; nothing is changed then. */
export function withLogical(
  tables: SuperTablesOf,
  change: { readonly name: string; readonly size: number; readonly orAnew?: boolean | undefined },
): SuperMetadata {
  const { geometry, metadata } = tables
  const { name, size } = change
  const builder = () => SuperBuilder.from(geometry, metadata)
  const present = builder().find(name)
  if (present === undefined) return builder().addPartition(name).resize(name, size).build()
  try {
    const attributes = present.attributes & ~LP_ATTRIBUTE.updated
    return builder().setAttributes(name, attributes).resize(name, size).build()
  } catch (thrown) {
    const forSpace = thrown instanceof SlotbenchError && thrown.code === 'super-space'
    if (!forSpace || change.orAnew !== true) throw thrown
    return builder().removePartition(name).addPartition(name).resize(name, size).build()
  }
}

/** The tables with which the partition is read as it lies there: without the mark that its content waits in a snapshot. */
export function withoutSnapshot({ geometry, metadata }: SuperTablesOf, name: string): SuperMetadata {
  const partition = metadata.partitions.find((candidate) => candidate.name === name)
  if (partition === undefined || (partition.attributes & LP_ATTRIBUTE.updated) === 0) return metadata
  return SuperBuilder.from(geometry, metadata)
    .setAttributes(name, partition.attributes & ~LP_ATTRIBUTE.updated)
    .build()
}

/** New tables with what belongs to no slot kept from the old ones. Partitions of the active slot go, on Virtual A/B those of both.
 * @throws SlotbenchError `super-invalid` when the two layouts do not go together: then only a wipe helps. */
export function mergedTables(
  fresh: SuperTablesOf,
  old: SuperTablesOf,
  o: { readonly active: Slot | undefined },
): SuperTablesOf {
  const virtualAb = [fresh, old].some(({ metadata }) => (metadata.flags & 1) !== 0)
  const kept = old.metadata.partitions.filter(({ name, group }) => {
    const { slot } = splitSlot(name)
    const goes = o.active !== undefined && slot !== undefined && (virtualAb || slot === o.active)
    return !goes && group !== COW_GROUP && name !== 'scratch'
  })
  if (kept.length === 0) return fresh
  const builder = SuperBuilder.from(fresh.geometry, fresh.metadata)
  builder.importPartitions(old.metadata, new Set(kept.map(({ name }) => name)))
  return { geometry: fresh.geometry, metadata: builder.build() }
}

/** Bytes of super, and where both copies of them lie in it. */
export interface TwoCopies {
  /** Bytes from the start of super. */
  readonly primary: number
  readonly backup: number
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Bytes that are kept for each copy. */
  readonly room: number
}

export function sameGeometry(a: SuperGeometry, b: SuperGeometry): boolean {
  return (
    a.metadataMaxSize === b.metadataMaxSize &&
    a.slotCount === b.slotCount &&
    a.logicalBlockSize === b.logicalBlockSize
  )
}

export function geometryCopies(geometry: SuperGeometry): TwoCopies {
  const [primary, backup] = GEOMETRY_OFFSETS
  return { primary, backup, bytes: encodeGeometry(geometry), room: GEOMETRY_SIZE }
}

/** @throws SlotbenchError `super-invalid` when the tables do not fit, or contradict themselves. */
export function metadataCopies({ geometry, metadata }: SuperTablesOf, slot: number): TwoCopies {
  return {
    ...metadataOffsets(geometry, slot),
    bytes: encodeMetadata(geometry, metadata),
    room: geometry.metadataMaxSize,
  }
}

/** @throws SlotbenchError `super-invalid` when these tables are for another super than the one they are to describe. */
export function checkDevice({ metadata }: SuperTablesOf, place: PlacedPartition): void {
  const [device, ...others] = metadata.blockDevices
  if (device === undefined || others.length > 0)
    throw invalid(`the tables are for ${metadata.blockDevices.length} block devices, here there is one`)
  if (device.name !== place.name || device.size > place.size)
    throw invalid(
      `the tables are for ${device.name} of ${device.size} bytes, here is ${place.name} of ${place.size}`,
    )
}

/** Where a logical partition lies on the storage, in its order.
 * @throws SlotbenchError `super-invalid` for extents that cannot be written there: of zeros, beyond super, not on whole sectors. */
export function logicalRanges(
  metadata: SuperMetadata,
  name: string,
  place: PlacedPartition,
): readonly SectorRange[] {
  const partition = metadata.partitions.find((candidate) => candidate.name === name)
  if (partition === undefined) throw invalid(`the tables of ${place.name} name no ${name}`)
  const { lun, first, count } = place.range
  const toSectors = (lpSectors: number) => (lpSectors * LP_SECTOR) / place.sectorSize
  return partition.extents.map(({ kind, sourceSector, sectors, blockDevice }) => {
    const [from, length] = [toSectors(sourceSector), toSectors(sectors)]
    if (kind !== 'linear' || blockDevice !== 0)
      throw invalid(`${name} has an extent that is not in ${place.name}`)
    if (!Number.isInteger(from) || !Number.isInteger(length))
      throw invalid(`${name} does not lie on whole sectors of ${place.sectorSize} bytes`)
    if (from + length > count) throw invalid(`${name} ends beyond ${place.name}`)
    return { lun, first: first + from, count: length }
  })
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('super-invalid', detail)
}
