// Partition tables in EDL: a damaged copy is brought back from the good one before anything else is written.
import type { Finding } from '../../../shared/plan.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { TableDraft } from './steps.ts'

export interface PlannedTables {
  readonly drafts: readonly TableDraft[]
  readonly blockers: readonly Finding[]
  readonly warnings: readonly Finding[]
}

const VALID = 'valid'

export function planTables(facts: TerminalFacts): PlannedTables {
  const drafts: TableDraft[] = []
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  for (const { lun, primary, backup, table } of facts.edl?.luns ?? []) {
    if (primary === VALID && backup === VALID) continue
    const state = `LUN ${lun}: its partition table is damaged (first copy: ${primary}; second copy: ${backup})`
    if (table === undefined) {
      blockers.push({
        code: 'table-damaged',
        detail: state,
        next: 'Use an EDL package of exactly this model and storage size, which brings its tables, with --package-tables.',
      })
    } else {
      drafts.push({ kind: 'write-table', lun, source: 'repair', table })
      warnings.push({ code: 'table-repaired', detail: `${state}; it is repaired from the good one` })
    }
  }
  return { drafts, blockers, warnings }
}
