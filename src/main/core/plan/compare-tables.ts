// The partition table that a package brings against the one that the terminal has: what would become of each partition
// (zte-domain §0.8, §5 pain 9).
import { formatBytes } from '../../../shared/format.ts'
import type { Finding } from '../../../shared/plan.ts'
import { splitSlot } from '../../../shared/units.ts'
import type { GptEntry, GptTable } from '../formats/gpt.ts'
import { extendUserdata } from './extend-userdata.ts'
import { isProtected, isUserData } from './protected.ts'

export interface TablesToCompare {
  readonly lun: number
  /** Undefined where the terminal has none that can be read. */
  readonly terminal: GptTable | undefined
  /** For a disk of the same size. */
  readonly package: GptTable
  /** Full names of the partitions that the package writes; what is in any other one is to be kept. */
  readonly written: ReadonlySet<string>
}

export interface PartitionChange {
  readonly name: string
  /** `moves` also when its size changes at the same time. */
  readonly kind: 'moves' | 'shrinks' | 'grows' | 'vanishes' | 'appears'
  /** Bytes; absent where there is no such partition. */
  readonly before: number | undefined
  readonly after: number | undefined
  /** What is in it must survive: radio, identity, the user's data, and whatever the package does not write. */
  readonly kept: boolean
}

export interface TableComparison {
  readonly lun: number
  /** Names and places are the same on both sides. Attributes and identifiers are not compared: slots change them. */
  readonly equal: boolean
  readonly changes: readonly PartitionChange[]
  readonly blockers: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** To be written: the package's table, with what the terminal's says of the partitions that are kept. None when the tables are equal
   * or something that is kept would be lost. */
  readonly proposed: GptTable | undefined
  /** The same with userdata up to the end of the disk, for who chooses that knowingly; only where nothing that is kept is lost by it,
   * and the package's own would leave some of the disk unused. May come out as what the terminal has (`sameLayout`). */
  readonly extended: GptTable | undefined
}

const KEEP_OWN =
  'Keep the terminal’s own partition table: it is not written unless that is asked for. Only a terminal whose own table is lost needs another.'

/** @throws RangeError when the tables are for different disks: that is a mistake of the caller. */
export function compareTables(input: TablesToCompare): TableComparison {
  const { lun, terminal, package: offered } = input
  if (terminal === undefined) return withoutTable(input)
  if (terminal.diskSectors !== offered.diskSectors || terminal.sectorSize !== offered.sectorSize)
    throw new RangeError(`tables of LUN ${lun} for different disks`)
  const changes = changesOf(input, terminal, offered)
  const lost = changes.filter(isLoss)
  const stretched = extendUserdata(offered)
  const extended =
    stretched === undefined || changesOf(input, terminal, stretched).some(isLoss) ? undefined : stretched
  const equal = changes.length === 0
  return {
    lun,
    equal,
    changes,
    blockers: lost.map((change) => ({
      code: 'table-loses-data' as const,
      detail: `LUN ${lun}, donor table: ${describeChange(change)}`,
      next:
        extended === undefined
          ? KEEP_OWN
          : `${KEEP_OWN} With --extend-userdata the package’s table keeps everything.`,
    })),
    warnings: equal || lost.length > 0 ? [] : [differs(lun, changes)],
    proposed: equal || lost.length > 0 ? undefined : keeping(terminal, offered, input.written),
    extended: extended && keeping(terminal, extended, input.written),
  }
}

/** In words, with sizes: "userdata would shrink from 900.0 GB to 420.0 GB". */
export function describeChange({ name, kind, before = 0, after = 0 }: PartitionChange): string {
  switch (kind) {
    case 'moves':
      return before === after
        ? `${name} would move to another place`
        : `${name} would move, and have ${formatBytes(after)} instead of ${formatBytes(before)}`
    case 'shrinks':
    case 'grows':
      return `${name} would ${kind === 'grows' ? 'grow' : 'shrink'} from ${formatBytes(before)} to ${formatBytes(after)}`
    case 'vanishes':
      return `${name} (${formatBytes(before)}) would be gone`
    default:
      return `${name} would be new, with ${formatBytes(after)}`
  }
}

/** A terminal without a readable table has nothing left to lose by one, and cannot be flashed without. */
function withoutTable({ lun, package: offered }: TablesToCompare): TableComparison {
  const detail = `LUN ${lun} has no readable partition table; that of the package would be written. What lay where before is not known`
  return {
    lun,
    equal: false,
    changes: offered.entries.map((entry) => ({
      name: entry.name,
      kind: 'appears' as const,
      before: undefined,
      after: sizeOf(entry, offered),
      kept: false,
    })),
    blockers: [],
    warnings: [{ code: 'table-missing', detail }],
    proposed: offered,
    extended: extendUserdata(offered),
  }
}

function changesOf(input: TablesToCompare, before: GptTable, after: GptTable): readonly PartitionChange[] {
  const old = new Map(before.entries.map((entry) => [entry.name, entry]))
  const fresh = new Map(after.entries.map((entry) => [entry.name, entry]))
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((name) => {
    const [was, is] = [old.get(name), fresh.get(name)]
    const kind = kindOf(was, is)
    if (kind === undefined) return []
    const sizes = { before: was && sizeOf(was, before), after: is && sizeOf(is, after) }
    return [{ name, kind, ...sizes, kept: was !== undefined && isKept(name, input.written) }]
  })
}

function kindOf(was: GptEntry | undefined, is: GptEntry | undefined): PartitionChange['kind'] | undefined {
  if (was === undefined) return 'appears'
  if (is === undefined) return 'vanishes'
  if (was.firstLba !== is.firstLba) return 'moves'
  if (was.lastLba === is.lastLba) return undefined
  return was.lastLba < is.lastLba ? 'grows' : 'shrinks'
}

function isKept(name: string, written: ReadonlySet<string>): boolean {
  const { base } = splitSlot(name)
  return isProtected(base) || isUserData(base) || !written.has(name)
}

/** Growing at its end takes nothing from what is in a partition. */
function isLoss({ kind, kept }: PartitionChange): boolean {
  return kept && kind !== 'grows' && kind !== 'appears'
}

function differs(lun: number, changes: readonly PartitionChange[]): Finding {
  return {
    code: 'tables-differ',
    detail: `LUN ${lun}, the package’s partition table: ${changes.map(describeChange).join('; ')}`,
  }
}

/** What a kept partition is known by stays with it. */
function keeping(terminal: GptTable, offered: GptTable, written: ReadonlySet<string>): GptTable {
  const own = new Map(terminal.entries.map((entry) => [entry.name, entry]))
  return {
    ...offered,
    diskGuid: terminal.diskGuid,
    entries: offered.entries.map((entry) => {
      const mine = own.get(entry.name)
      if (mine === undefined || !isKept(entry.name, written)) return entry
      const { typeGuid, uniqueGuid, attributes } = mine
      return { ...entry, typeGuid, uniqueGuid, attributes }
    }),
  }
}

/** The same partitions in the same places. */
export function sameLayout(a: GptTable, b: GptTable): boolean {
  const places = (table: GptTable) =>
    table.entries
      .map(({ name, firstLba, lastLba }) => `${name} ${firstLba} ${lastLba}`)
      .toSorted()
      .join()
  return places(a) === places(b)
}

function sizeOf({ firstLba, lastLba }: GptEntry, { sectorSize }: GptTable): number {
  return (lastLba - firstLba + 1) * sectorSize
}
