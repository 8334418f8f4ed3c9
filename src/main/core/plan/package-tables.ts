// Which partition tables of an EDL package a job writes: none, unless somebody asks for them.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Finding } from '../../../shared/plan.ts'
import type { PackageTable, RomInfo } from '../../../shared/rom.ts'
import type { GptTable } from '../formats/gpt.ts'
import { packageTable } from '../rom/package-table.ts'
import type { Findings } from './checks.ts'
import { compareTables, describeChange, sameLayout, type TableComparison } from './compare-tables.ts'

/** `keep`: the terminal's own stay. `package`: the package's take their place. `extended`: the same, with userdata up to the end of
 * the disk. */
export type TableChoice = 'keep' | 'package' | 'extended'

export interface PackageTablesInput {
  readonly rom: Pick<RomInfo, 'tables'>
  /** Full names of the partitions that the job writes before anything needs what is in them now. */
  readonly written: ReadonlySet<string>
  /** The LUNs of the terminal. */
  readonly disks: readonly {
    readonly lun: number
    readonly sectors: number
    /** Undefined when neither copy can be read. */
    readonly table: GptTable | undefined
  }[]
  /** Bytes; undefined where the terminal does not tell. */
  readonly sectorSize: number | undefined
  readonly choice: TableChoice
}

export interface PackageTables {
  readonly found: Findings
  readonly writes: readonly { readonly lun: number; readonly table: GptTable }[]
  /** What each of the package's tables would do, for who wants to look. */
  readonly comparisons: readonly TableComparison[]
}

/** @returns blockers only for tables that would be written. */
export function planPackageTables(input: PackageTablesInput): PackageTables {
  const { rom, disks, choice, written } = input
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  const writes: { lun: number; table: GptTable }[] = []
  const comparisons: TableComparison[] = []
  for (const disk of disks) {
    const offered = rom.tables?.find(({ lun }) => lun === disk.lun)
    if (offered === undefined) continue
    const table = tableFor(offered, disk.sectors, input.sectorSize)
    if (typeof table === 'string') {
      if (choice === 'keep') warnings.push({ code: 'table-unfit', detail: `${table}; it is not written` })
      else blockers.push({ code: 'table-unfit', detail: table, next: OTHER_PACKAGE })
      continue
    }
    const compared = compareTables({ lun: disk.lun, terminal: disk.table, package: table, written })
    comparisons.push(compared)
    if (choice === 'keep') {
      if (disk.table !== undefined) warnings.push(...stays(compared))
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

const OTHER_PACKAGE = 'Use the package made for exactly this model and storage size.'

/** The package's table for this disk, or why there is none. */
function tableFor(offered: PackageTable, sectors: number, sectorSize: number | undefined): GptTable | string {
  const { lun } = offered
  if (sectorSize !== undefined && offered.sectorSize !== sectorSize)
    return `the package’s partition table for LUN ${lun} is for sectors of ${offered.sectorSize} bytes, the terminal has ${sectorSize}`
  try {
    return packageTable(offered, sectors)
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
