// A partition table of a smaller disk, stretched to the disk that is there: the knowing choice where a donor's table would halve the
// storage (zte-domain §0.8).
import { type GptTable, gptUsable } from '../formats/gpt.ts'

const USERDATA = 'userdata'

/** The same table with userdata, its last partition, reaching to the last sector that the disk can give it. Everything else stays,
 * attributes and identifiers too.
 * @returns undefined when userdata is not the last partition, or would not grow. */
export function extendUserdata(table: GptTable): GptTable | undefined {
  const last = table.entries.toSorted((a, b) => b.lastLba - a.lastLba)[0]
  const { lastUsable } = gptUsable(table.sectorSize, table.diskSectors, table.entryCount)
  if (last?.name !== USERDATA || last.lastLba >= lastUsable) return undefined
  return {
    ...table,
    lastUsable,
    entries: table.entries.map((entry) => (entry === last ? { ...entry, lastLba: lastUsable } : entry)),
  }
}
