// What becomes of a staged update once something has booted: it is merged into the partitions, or thrown away (AOSP libsnapshot).
import { LP_ATTRIBUTE, SuperBuilder } from '../../main/core/formats/super-builder.ts'
import type { Slot } from '../../shared/units.ts'
import type { Disk, Partition } from '../storage/disk.ts'
import { readMergeStatus, writeMergeStatus } from './merge-status.ts'
import { cowOf, type LogicalPartitions, mapTable } from './mount.ts'
import { type OtaRecord, readOta, writeOta } from './ota-record.ts'
import { metadataSlot, readTables, updateTables } from './tables.ts'

const PIECE = 256 * 1024

/** Called when the system is up on `slot`: afterwards nothing is staged, or it is to be merged. @throws PowerLost. */
export async function settleUpdate(disk: Disk, slot: Slot | undefined): Promise<void> {
  const ota = await readOta(disk)
  const status = await readMergeStatus(disk, slot)
  if (!ota) {
    return writeMergeStatus(disk, slot, 'none')
  }
  // Running on the old slot means that the new one was left or never taken.
  if (status === 'cancelled' || ota.state === 'staging' || ota.source === slot) return dropUpdate(disk)
  if (ota.state === 'snapshotted') await writeOta(disk, { ...ota, state: 'merging' })
  await writeMergeStatus(disk, slot, 'merging')
}

/** Copies what is not merged yet, piece by piece; can be cut anywhere and goes on where it was.
 * @returns whether all is merged: a snapshot that is gone cannot be.
 * @param pause between pieces. @throws PowerLost. */
export async function mergeUpdate(
  disk: Disk,
  slot: Slot | undefined,
  pause: () => Promise<void> = async () => {},
): Promise<boolean> {
  const ota = await readOta(disk)
  const table = await mapTable(disk, metadataSlot(slot))
  const tables = await readTables(disk, metadataSlot(slot))
  if (ota?.state !== 'merging' || !table || !tables) return false
  let record = ota
  for (const { partition } of ota.snapshots) {
    const entry = tables.metadata.partitions.find(({ name }) => name === partition)
    // Flashed anew meanwhile: its snapshot counts no more.
    if (!entry || (entry.attributes & LP_ATTRIBUTE.updated) === 0) continue
    const merged = await mergeOne({ disk, table, pause }, record, partition)
    if (!merged) return false
    record = merged
  }
  await dropUpdate(disk)
  return true
}

interface Merging {
  readonly disk: Disk
  readonly table: LogicalPartitions
  readonly pause: () => Promise<void>
}

async function mergeOne(
  { disk, table, pause }: Merging,
  start: OtaRecord,
  name: string,
): Promise<OtaRecord | undefined> {
  let record = start
  for (;;) {
    const snapshot = record.snapshots.find(({ partition }) => partition === name)
    if (!snapshot || snapshot.merged >= snapshot.bytes) return record
    const base: Partition | undefined = table.get(name)
    const cow = cowOf(disk, table, snapshot)
    if (!base || !cow) return undefined
    const { merged, bytes } = snapshot
    const length = Math.min(PIECE, bytes - merged)
    await disk.write(base, merged, await disk.read(cow, merged, length))
    record = withMerged(record, name, merged + length)
    await writeOta(disk, record)
    await pause()
  }
}

function withMerged(record: OtaRecord, name: string, merged: number): OtaRecord {
  const snapshots = record.snapshots.map((one) => (one.partition === name ? { ...one, merged } : one))
  return { ...record, snapshots }
}

/** Forgets the update: first the record, so that nobody looks for snapshots that are half deleted, then the snapshots. */
export async function dropUpdate(disk: Disk): Promise<void> {
  const ota = await readOta(disk)
  if (!ota) return
  await writeOta(disk, undefined)
  for (const slot of [0, 1]) {
    const tables = await readTables(disk, slot)
    if (!tables) continue
    const builder = SuperBuilder.from(tables.geometry, tables.metadata)
    for (const { partition, cow } of ota.snapshots) {
      if ('logical' in cow) builder.removePartition(cow.logical)
      const entry = builder.find(partition)
      if (entry) builder.setAttributes(partition, entry.attributes & ~LP_ATTRIBUTE.updated)
    }
    await updateTables(disk, slot, { geometry: tables.geometry, metadata: builder.build() })
  }
  await writeMergeStatus(disk, undefined, 'none')
}
