// What an EDL package is made of, in words: variants, LUNs, tables, slots, programmers, and where its names come from.
import { formatBytes } from '../../../../shared/format.ts'
import type { PackageTable, RomInfo } from '../../../../shared/rom.ts'
import { describeCoverage, slotCoverage } from '../../../core/rom/slot-coverage.ts'

/** Name and value of each line; none for packages of other kinds. */
export function edlLines(rom: RomInfo): readonly (readonly [string, string])[] {
  const { edl, tables = [] } = rom
  if (edl === undefined) return []
  const storage = [edl.memory?.toUpperCase() ?? 'storage not said', `sectors of ${edl.sectorSize} bytes`]
  const others = edl.flavours.filter((name) => name !== edl.flavour)
  return [
    ...(edl.flavour === undefined
      ? []
      : [
          [
            'Flavour',
            `${edl.flavour}${others.length === 0 ? '' : ` (also there: ${others.join(', ')})`}`,
          ] as const,
        ]),
    ['Storage', storage.join(', ')],
    ['Slots', describeCoverage(slotCoverage(rom))],
    ...edl.luns.map((lun, i) => [i === 0 ? 'LUNs' : '', lunWords(lun, edl.programs, tables)] as const),
    ...(edl.loaders.length === 0 ? [['Programmers', 'none in the package'] as const] : []),
    ...edl.loaders.map(
      ({ name, size, sha256 }, i) =>
        [i === 0 ? 'Programmers' : '', `${name}, ${formatBytes(size)}, ${sha256.slice(0, 16)}`] as const,
    ),
    ...edl.names.map(({ value, source }, i) => [i === 0 ? 'Names' : '', `${value} (${source})`] as const),
  ]
}

function lunWords(
  lun: number,
  programs: NonNullable<RomInfo['edl']>['programs'],
  tables: readonly PackageTable[],
): string {
  const files = new Set(programs.filter((program) => program.lun === lun).map(({ file }) => file)).size
  return `${lun}: ${files} ${files === 1 ? 'file' : 'files'}, ${tableWords(tables.find((table) => table.lun === lun))}`
}

function tableWords(table: PackageTable | undefined): string {
  if (table === undefined) return 'no partition table'
  const { entries, lastUsable } = table
  const count = `table of ${entries.length} ${entries.length === 1 ? 'partition' : 'partitions'}`
  const grows = entries.filter(({ first, last }) => first.fromDisk === 0 && last.fromDisk === 1)
  if (grows.length > 0)
    return `${count}, ${grows.map(({ name }) => name).join(' and ')} up to the end of the disk`
  // A donor's table: made for one disk, whatever the terminal has.
  return lastUsable.fromDisk === 0 ? `${count}, for a disk of one certain size` : count
}
