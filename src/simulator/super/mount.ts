// Puts logical partitions together as device-mapper does: the extents of a table, and a snapshot over them while there is one.
import type { SuperPartition } from '../../main/core/formats/super.ts'
import { LP_ATTRIBUTE } from '../../main/core/formats/super-builder.ts'
import { LP_SECTOR } from '../../main/core/formats/super-metadata.ts'
import type { Slot } from '../../shared/units.ts'
import type { Disk, Partition, Run } from '../storage/disk.ts'
import { readMergeStatus } from './merge-status.ts'
import { readOta, type Snapshot } from './ota-record.ts'
import { metadataSlot, readTables, SUPER } from './tables.ts'

export type LogicalPartitions = ReadonlyMap<string, Partition>

/** Every partition of a metadata slot that has a size, as its table alone has it: what fastbootd opens.
 * @returns undefined when the table cannot be read. */
export async function mapTable(disk: Disk, slot: number): Promise<LogicalPartitions | undefined> {
  const tables = await readTables(disk, slot)
  if (!tables) return undefined
  return new Map(tables.metadata.partitions.flatMap((partition) => mapped(disk.get(SUPER), partition)))
}

/** The logical partitions as a boot of `slot` sees them (first-stage init, libsnapshot).
 * @returns words when they cannot be mapped. */
export async function mountLogical(disk: Disk, slot: Slot | undefined): Promise<LogicalPartitions | string> {
  const number = metadataSlot(slot)
  const tables = await readTables(disk, number)
  const table = await mapTable(disk, number)
  if (!tables || !table) return `metadata slot ${number} of super cannot be read`
  const ota = await readOta(disk)
  if (!ota || ota.state === 'staging' || ota.source === slot) return table
  if ((await readMergeStatus(disk, slot)) === 'cancelled') return table
  const all = new Map(table)
  for (const snapshot of ota.snapshots) {
    const entry = tables.metadata.partitions.find(({ name }) => name === snapshot.partition)
    // Who flashes a partition takes its mark away, and with it the snapshot.
    if (!entry || (entry.attributes & LP_ATTRIBUTE.updated) === 0) continue
    const over = overlaid(disk, table, snapshot)
    if (!over) return `the snapshot of ${snapshot.partition} is gone`
    all.set(snapshot.partition, over)
  }
  return all
}

/** What the snapshot holds, as a partition of its own. Undefined when it is gone. */
export function cowOf(disk: Disk, table: LogicalPartitions, { cow, bytes }: Snapshot): Partition | undefined {
  if ('logical' in cow) {
    const partition = table.get(cow.logical)
    return partition && partition.size >= bytes ? partition : undefined
  }
  const userdata = disk.find('userdata')
  if (!userdata || cow.userdata + bytes > userdata.size) return undefined
  return { name: 'cow in userdata', lun: userdata.lun, offset: userdata.offset + cow.userdata, size: bytes }
}

function overlaid(disk: Disk, table: LogicalPartitions, snapshot: Snapshot): Partition | undefined {
  const { partition, bytes, merged } = snapshot
  const cow = cowOf(disk, table, snapshot)
  const base = table.get(partition)
  if (!cow || !base || base.size < bytes) return undefined
  return joined(partition, [...part(base, 0, merged), ...part(cow, merged, bytes - merged)])
}

/** Nothing for a partition without a size, which device-mapper cannot make, nor for zeros, which no terminal here has. */
function mapped(superPartition: Partition, { name, extents }: SuperPartition): [string, Partition][] {
  if (extents.length === 0 || extents.some(({ kind }) => kind === 'zero')) return []
  const { lun, offset } = superPartition
  const runs = extents.map(({ sourceSector, sectors }) => ({
    ...{ lun, offset: offset + sourceSector * LP_SECTOR, size: sectors * LP_SECTOR },
  }))
  return [[name, joined(name, runs)]]
}

function joined(name: string, runs: readonly Run[]): Partition {
  const size = runs.reduce((sum, run) => sum + run.size, 0)
  return { name, lun: runs[0]?.lun ?? 0, offset: runs[0]?.offset ?? 0, size, runs }
}

/** A stretch of a partition as runs. */
function part(
  { lun, offset, size, runs = [{ lun, offset, size }] }: Partition,
  from: number,
  length: number,
): Run[] {
  let start = 0
  return runs.flatMap((run) => {
    const [begin, end] = [Math.max(start, from), Math.min(start + run.size, from + length)]
    const piece = { lun: run.lun, offset: run.offset + begin - start, size: end - begin }
    start += run.size
    return piece.size > 0 ? [piece] : []
  })
}
