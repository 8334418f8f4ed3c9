// Partition tables in EDL: a damaged copy is brought back from the good one before anything else is written; those of the package only
// take the place of the terminal's where somebody asks for it.
import type { Finding, Recipe } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { EdlFacts, PartitionFacts, TerminalFacts } from '../../../shared/terminal.ts'
import { otherSlot, partitionName, type Slot, splitSlot } from '../../../shared/units.ts'
import type { GptTable } from '../formats/gpt.ts'
import { tableData, tableFromData } from '../storage/table-data.ts'
import { planPackageTables, type TableChoice } from './package-tables.ts'
import type { TableDraft } from './steps.ts'

export interface PlannedTables {
  readonly drafts: readonly TableDraft[]
  readonly blockers: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** What the terminal is once these tables are written: everything after them is planned on that. */
  readonly facts: TerminalFacts
}

export interface TablesInput {
  readonly facts: TerminalFacts
  readonly rom: RomInfo
  readonly recipe: Recipe
  /** The slot that runs. */
  readonly fromSlot: Slot | undefined
}

const VALID = 'valid'

export function planTables(input: TablesInput): PlannedTables {
  const { facts, rom, recipe } = input
  const luns = facts.edl?.luns ?? []
  const fresh = planPackageTables({
    rom,
    written: writtenBy(input),
    disks: luns.map((lun) => ({ ...lun, table: lun.table && tableFromData(lun.table) })),
    sectorSize: facts.edl?.sectorSize?.value,
    choice: choiceOf(recipe),
  })
  const replaced = new Set(fresh.writes.map(({ lun }) => lun))
  const drafts: TableDraft[] = fresh.writes.map(({ lun, table }) => ({
    ...{ kind: 'write-table', lun, source: 'package' },
    table: tableData(table),
  }))
  const blockers = [...fresh.found.blockers]
  const warnings = [...fresh.found.warnings]
  for (const lun of luns.filter((one) => !replaced.has(one.lun) && isDamaged(one))) {
    if (lun.table === undefined) blockers.push(lost(lun, rom))
    else {
      drafts.push({ kind: 'write-table', lun: lun.lun, source: 'repair', table: lun.table })
      warnings.push({ code: 'table-repaired', detail: `${stateOf(lun)}; it is repaired from the good one` })
    }
  }
  return { drafts, blockers, warnings, facts: fresh.writes.reduce(withTable, facts) }
}

type Lun = EdlFacts['luns'][number]

/** While the slot that runs is the way back, its partitions and those without a slot must stay where they are. */
function writtenBy({ rom, recipe, fromSlot }: TablesInput): ReadonlySet<string> {
  const labels = (rom.edl?.programs ?? []).map(({ label }) => label)
  const fallback = recipe.policy === 'seamless' || recipe.policy === 'both' ? fromSlot : undefined
  return new Set(
    fallback === undefined ? labels : labels.filter((label) => splitSlot(label).slot === otherSlot(fallback)),
  )
}

function choiceOf({ packageTables, extendUserdata }: Recipe): TableChoice {
  if (packageTables !== true) return 'keep'
  return extendUserdata === true ? 'extended' : 'package'
}

function isDamaged({ primary, backup }: Lun): boolean {
  return primary !== VALID || backup !== VALID
}

function stateOf({ lun, primary, backup }: Lun): string {
  return `LUN ${lun}: its partition table is damaged (first copy: ${primary}; second copy: ${backup})`
}

function lost(lun: Lun, rom: RomInfo): Finding {
  const brings = rom.tables?.some((table) => table.lun === lun.lun) === true
  return {
    code: 'table-damaged',
    detail: stateOf(lun),
    next: brings
      ? 'The package brings one: write it with --package-tables.'
      : 'Use an EDL package of exactly this model and storage size, which brings its tables, with --package-tables.',
  }
}

/** The terminal with another table on one LUN. What lies in super is only known as long as super stays where it is. */
function withTable(
  facts: TerminalFacts,
  { lun, table }: { readonly lun: number; readonly table: GptTable },
): TerminalFacts {
  const before = facts.edl?.luns.find((one) => one.lun === lun)?.table
  const gone = new Set(before?.entries.map(({ name }) => name))
  const kept = Object.entries(facts.partitions).filter(([name]) => !gone.has(name))
  const fresh = table.entries
    .filter(({ name }) => isName(name))
    .map((entry): [string, PartitionFacts] => {
      const size = (entry.lastLba - entry.firstLba + 1) * table.sectorSize
      return [entry.name, { size, logical: false }]
    })
  const name = facts.superPartition?.value ?? 'super'
  const place = (of: Pick<GptTable, 'entries'> | NonNullable<typeof before> | undefined) => {
    const found = of?.entries.find((entry) => entry.name === name)
    return found === undefined ? undefined : `${found.firstLba} ${found.lastLba}`
  }
  const superMoved = place(before) !== place(table)
  const partitions = [...kept, ...fresh].filter(([, { logical }]) => !(superMoved && logical === true))
  const hasSlot = new Map(partitions.map(([full]) => [splitSlot(full).base, false]))
  for (const [full] of partitions)
    if (splitSlot(full).slot !== undefined) hasSlot.set(splitSlot(full).base, true)
  const { superTables, ...rest } = facts
  return {
    ...rest,
    ...(superMoved || superTables === undefined ? {} : { superTables }),
    ...(place(table) === undefined
      ? {}
      : { superPartition: { value: name, source: 'the package’s tables' } }),
    slotCount: { value: [...hasSlot.values()].includes(true) ? 2 : 1, source: 'the package’s tables' },
    partitions: Object.fromEntries(partitions),
    hasSlot: Object.fromEntries(hasSlot),
  }
}

function isName(name: string): boolean {
  try {
    return partitionName(name) === name
  } catch {
    return false
  }
}
