// Which partition tables a job writes, of those that an EDL package brings: none, unless a terminal lost its own or somebody asks.

import { SlotbenchError } from '../../../shared/errors.ts'
import type { Finding } from '../../../shared/plan.ts'
import type { PackageTable, RomInfo } from '../../../shared/rom.ts'
import type { GptTable } from '../formats/gpt.ts'
import { packageTable } from '../rom/package-table.ts'
import type { Findings } from './checks.ts'
import { compareTables, describeChange, sameLayout, type TableComparison } from './compare-tables.ts'

/** `keep`: the terminal's own stay wherever they can be read. `package`: the package's take their place. `extended`: the same, with
 * userdata up to the end of the disk. */
export type TableChoice = 'keep' | 'package' | 'extended'

export interface TablesInput {
  readonly rom: Pick<RomInfo, 'tables' | 'edl'>
  /** The LUNs of the terminal, as its session in EDL shows them. */
  readonly disks: readonly {
    readonly lun: number
    readonly sectorSize: number
    readonly sectors: number
    /** Undefined when neither copy can be read. */
    readonly table: GptTable | undefined
  }[]
  readonly choice: TableChoice
}

export interface PlannedTables {
  readonly found: Findings
  /** To be written before anything else. */
  readonly writes: readonly { readonly lun: number; readonly table: GptTable }[]
  /** What each of the package's tables would do, for who wants to look. */
  readonly comparisons: readonly TableComparison[]
}

const OTHER_PACKAGE = 'Use the package made for exactly this model and storage size.'

/** @returns blockers only for tables that would be written, or that the job cannot do without. */
export function planTables(input: TablesInput): PlannedTables {
  const { rom, disks, choice } = input
  const written = new Set((rom.edl?.programs ?? []).map(({ label }) => label))
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  const writes: { lun: number; table: GptTable }[] = []
  const comparisons: TableComparison[] = []
  for (const disk of disks) {
    const needed = choice !== 'keep' || disk.table === undefined
    const offered = rom.tables?.find(({ lun }) => lun === disk.lun)
    if (offered === undefined) {
      if (disk.table === undefined && needs(rom, disk.lun)) blockers.push(noTable(disk.lun))
      continue
    }
    const table = tableFor(offered, disk)
    if (typeof table === 'string') {
      if (needed) blockers.push({ code: 'table-unfit', detail: table, next: OTHER_PACKAGE })
      else warnings.push({ code: 'table-unfit', detail: `${table}; the terminal’s own table stays` })
      continue
    }
    const compared = compareTables({ lun: disk.lun, terminal: disk.table, package: table, written })
    comparisons.push(compared)
    if (!needed) {
      warnings.push(...stays(compared))
      continue
    }
    const chosen = choice === 'extended' ? (compared.extended ?? compared.proposed) : compared.proposed
    if (chosen === undefined) blockers.push(...compared.blockers)
    else if (disk.table === undefined || !sameLayout(chosen, disk.table))
      writes.push({ lun: disk.lun, table: chosen })
    warnings.push(...compared.warnings)
  }
  return { found: { blockers, warnings }, writes, comparisons }
}

/** The package's table for this disk, or why there is none. */
function tableFor(offered: PackageTable, disk: TablesInput['disks'][number]): GptTable | string {
  const { lun } = disk
  if (offered.sectorSize !== disk.sectorSize)
    return `the package’s partition table for LUN ${lun} is for sectors of ${offered.sectorSize} bytes, the terminal has ${disk.sectorSize}`
  try {
    return packageTable(offered, disk.sectors)
  } catch (thrown) {
    if (thrown instanceof SlotbenchError) return thrown.message
    throw thrown
  }
}

function stays({ lun, changes }: TableComparison): Finding[] {
  if (changes.length === 0) return []
  const detail = `LUN ${lun}, the package’s partition table is another one (${changes.map(describeChange).join('; ')}); the terminal’s own stays`
  return [{ code: 'tables-differ', detail }]
}

/** The package writes something there. */
function needs(rom: TablesInput['rom'], lun: number): boolean {
  return rom.edl?.programs.some((program) => program.lun === lun) ?? false
}

function noTable(lun: number): Finding {
  return {
    code: 'table-missing',
    detail: `LUN ${lun} of the terminal has no readable partition table, and the package brings none for it`,
    next: 'Use a complete EDL package of this model: one with gpt_main and gpt_backup files.',
  }
}
