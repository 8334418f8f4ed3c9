// Partition tables in EDL: a damaged copy is brought back from the good one before anything else is written; the package's own tables are
// taken only by who asks for them, and only where nothing is lost by that (zte-domain §0.8).
import type { Finding, Recipe } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { PartitionFacts, PartitionTable, TerminalFacts } from '../../../shared/terminal.ts'
import { SLOTS, splitSlot } from '../../../shared/units.ts'
import { packageTable } from '../rom/package-table.ts'
import { tableData, tableFromData } from '../storage/table-data.ts'
import { compareTables, type TableComparison } from './compare-tables.ts'
import { isProtected, isUserData } from './protected.ts'
import type { TableDraft } from './steps.ts'

export interface PlannedTables {
  readonly drafts: readonly TableDraft[]
  readonly blockers: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** The terminal as it will be under these tables: what the rest of the plan is made for. */
  readonly facts: TerminalFacts
}

type Lun = NonNullable<TerminalFacts['edl']>['luns'][number]
type Found = Pick<PlannedTables, 'drafts' | 'blockers' | 'warnings'>

const VALID = 'valid'
const NOTHING: Found = { drafts: [], blockers: [], warnings: [] }

export function planTables(facts: TerminalFacts, rom: RomInfo, recipe: Recipe): PlannedTables {
  const written = namesWritten(rom)
  const found = (facts.edl?.luns ?? []).map((lun) => planLun(lun, compared(lun, rom, written), recipe))
  const drafts = found.flatMap((one) => one.drafts)
  return {
    drafts,
    blockers: found.flatMap((one) => one.blockers),
    warnings: found.flatMap((one) => one.warnings),
    facts: drafts.reduce((now, draft) => (draft.source === 'package' ? under(draft, now) : now), facts),
  }
}

/** What the package would make of a LUN; undefined where it brings no table for it. */
function compared(lun: Lun, rom: RomInfo, written: ReadonlySet<string>): TableComparison | undefined {
  const offered = rom.tables?.find((table) => table.lun === lun.lun)
  if (offered === undefined) return undefined
  return compareTables({
    lun: lun.lun,
    terminal: lun.table && tableFromData(lun.table),
    package: packageTable(offered, lun.sectors),
    written,
  })
}

function planLun(lun: Lun, comparison: TableComparison | undefined, recipe: Recipe): Found {
  if (recipe.packageTables === true && comparison !== undefined && !comparison.equal)
    return fromPackage(lun, comparison)
  const { table } = lun
  if (table === undefined) return { ...NOTHING, blockers: [lost(lun, comparison !== undefined)] }
  return mergeFound([repaired(lun, table), comparison === undefined ? NOTHING : kept(comparison)])
}

/** Asked for in words; what would lose something is refused all the same. A table that leaves some of the disk unused is stretched. */
function fromPackage({ lun }: Lun, comparison: TableComparison): Found {
  const { extended, proposed, blockers, warnings } = comparison
  const chosen = extended ?? proposed
  if (chosen === undefined) return { ...NOTHING, blockers }
  const stretched: Finding[] =
    extended === undefined
      ? []
      : [
          {
            code: 'table-differs',
            detail: `LUN ${lun}: the package’s table is for a smaller disk; userdata is extended to the end of this one`,
          },
        ]
  const draft = { kind: 'write-table', lun, source: 'package', table: tableData(chosen) } as const
  return { drafts: [draft], blockers: [], warnings: [...warnings, ...stretched] }
}

function lost({ lun, primary, backup }: Lun, offered: boolean): Finding {
  return {
    code: 'table-damaged',
    detail: `LUN ${lun}: neither copy of its partition table can be read (first: ${primary}; second: ${backup})`,
    next: offered
      ? 'Add --package-tables to write those of the package, if it is for exactly this model.'
      : 'Use an EDL package of exactly this model and storage size, which brings its tables, with --package-tables.',
  }
}

function repaired({ lun, primary, backup }: Lun, table: PartitionTable): Found {
  if (primary === VALID && backup === VALID) return NOTHING
  return {
    drafts: [{ kind: 'write-table', lun, source: 'repair', table }],
    blockers: [],
    warnings: [
      {
        code: 'table-repaired',
        detail: `LUN ${lun}: one copy of its partition table is damaged (first: ${primary}; second: ${backup}); it is repaired from the other`,
      },
    ],
  }
}

/** The terminal's own table stays, and partitions are found by their names; that the package thinks otherwise is worth knowing. */
function kept({ lun, equal, changes }: TableComparison): Found {
  if (equal) return NOTHING
  const names = changes.map(({ name }) => name).join(', ')
  return {
    ...NOTHING,
    warnings: [
      {
        code: 'table-differs',
        detail: `LUN ${lun}: the package was made for another partition table (${names}); the terminal’s own stays as it is`,
      },
    ],
  }
}

/** Every name under which an image of the package may end up. */
function namesWritten({ images }: RomInfo): ReadonlySet<string> {
  const bases = images.map(({ name }) => name).filter((name) => !isProtected(name) && !isUserData(name))
  return new Set(bases.flatMap((base) => [base, ...SLOTS.map((slot) => `${base}_${slot}`)]))
}

/** The facts with the partitions of one LUN replaced by those of its new table. */
function under({ lun, table }: TableDraft, facts: TerminalFacts): TerminalFacts {
  const before = facts.edl?.luns.find((one) => one.lun === lun)?.table
  const gone = new Set(before?.entries.map(({ name }) => name))
  const partitions: Record<string, PartitionFacts> = Object.fromEntries(
    Object.entries(facts.partitions).filter(([name, { logical }]) => logical === true || !gone.has(name)),
  )
  const hasSlot = { ...facts.hasSlot }
  for (const { name, firstLba, lastLba } of table.entries) {
    partitions[name] = { size: (lastLba - firstLba + 1) * table.sectorSize, logical: false }
    const { base, slot } = splitSlot(name)
    hasSlot[base] = slot !== undefined || hasSlot[base] === true
  }
  const source = 'the package’s partition table'
  const slots = hasSlot['boot'] === true ? 2 : (facts.slotCount?.value ?? 1)
  return {
    ...facts,
    partitions,
    hasSlot,
    slotCount: { value: slots, source },
    ...('super' in partitions ? { superPartition: { value: 'super', source } } : {}),
  }
}

function mergeFound(parts: readonly Found[]): Found {
  return {
    drafts: parts.flatMap((one) => one.drafts),
    blockers: parts.flatMap((one) => one.blockers),
    warnings: parts.flatMap((one) => one.warnings),
  }
}
