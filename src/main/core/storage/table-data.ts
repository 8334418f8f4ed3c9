// Partition tables as data that facts, plans and the journal can hold, and back.
import type { PartitionTable } from '../../../shared/terminal.ts'
import type { GptTable } from '../formats/gpt.ts'

/** Attributes have 64 bits, which JSON has no number for. */
export function tableData(table: GptTable): PartitionTable {
  const { diskGuid, sectorSize, diskSectors, firstUsable, lastUsable, entryCount } = table
  return {
    ...{ diskGuid, sectorSize, diskSectors, firstUsable, lastUsable, entryCount },
    entries: table.entries.map((entry) => ({
      ...entry,
      attributes: entry.attributes.toString(16).padStart(16, '0'),
    })),
  }
}

export function tableFromData(data: PartitionTable): GptTable {
  return {
    ...data,
    entries: data.entries.map((entry) => ({ ...entry, attributes: BigInt(`0x${entry.attributes}`) })),
  }
}
