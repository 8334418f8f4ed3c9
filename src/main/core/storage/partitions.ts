// The partitions of a whole storage: which LUN's table names them, where they lie, and where tables contradict each other.
import { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'
import { partitionName } from '../../../shared/units.ts'
import type { GptEntry, GptTable } from '../formats/gpt.ts'
import type { SectorRange } from './sectors.ts'

/** The partition table of one LUN. */
export interface LunTable {
  readonly lun: number
  readonly table: GptTable
}

/** A partition by its place on the storage. */
export interface PlacedPartition {
  readonly name: string
  readonly entry: GptEntry
  readonly range: SectorRange
  /** Bytes of a sector. */
  readonly sectorSize: number
  /** Bytes. */
  readonly size: number
}

/** Every entry of every table, in their order. */
export function placedPartitions(tables: readonly LunTable[]): PlacedPartition[] {
  return tables.flatMap(({ lun, table }) =>
    table.entries.map((entry) => {
      const range = { lun, first: entry.firstLba, count: entry.lastLba - entry.firstLba + 1 }
      const { sectorSize } = table
      return { name: entry.name, entry, range, sectorSize, size: range.count * sectorSize }
    }),
  )
}

/** Undefined when no table names it.
 * @throws SlotbenchError `gpt-invalid` when more than one entry has the name: nobody can tell which one is meant. */
export function findPartition(tables: readonly LunTable[], name: string): PlacedPartition | undefined {
  const [found, second] = placedPartitions(tables).filter((partition) => partition.name === name)
  if (found !== undefined && second !== undefined)
    throw new SlotbenchError(
      'gpt-invalid',
      `${name} is a partition of LUN ${found.range.lun} and of LUN ${second.range.lun}; which one is meant cannot be told`,
    )
  return found
}

/** What the tables say against each other, in words: names that stand for several partitions, and names that are none. */
export function contradictions(tables: readonly LunTable[]): readonly string[] {
  const byName = Map.groupBy(placedPartitions(tables), ({ name }) => name)
  return [...byName].flatMap(([name, places]) => {
    const luns = places.map(({ range }) => `LUN ${range.lun}`).join(', ')
    if (!isPartitionName(name))
      return `an entry of ${luns} is called ${JSON.stringify(plainText(name))}, which is no name of a partition`
    return places.length > 1 ? `${name} is a partition of each of ${luns}` : []
  })
}

export function isPartitionName(name: string): boolean {
  try {
    return partitionName(name) === name
  } catch {
    return false
  }
}

/** Whether two ranges share a sector. */
export function overlap(a: SectorRange, b: SectorRange): boolean {
  return a.lun === b.lun && a.first < b.first + b.count && b.first < a.first + a.count
}
