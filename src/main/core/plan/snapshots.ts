// An update that the terminal has begun by itself (Virtual A/B snapshots), and what has to happen to it before super is changed.
import type { Finding } from '../../../shared/plan.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { splitSlot } from '../../../shared/units.ts'

export interface SnapshotPlan {
  readonly action: 'cancel' | 'merge' | undefined
  /** Left-over copy-on-write partitions to delete. */
  readonly cows: readonly string[]
  readonly blockers: readonly Finding[]
  readonly warnings: readonly Finding[]
}

const COW = '-cow'

/** Whether a partition holds the changes of an update that is not merged, whatever made it. */
export function isCow(partition: string): boolean {
  return partition.endsWith(COW)
}

/** `merging` means that the new build has booted: dropping its changes would take away the only build there is, although AOSP's
 * fastbootd would do it (SnapshotUpdateHandler), so it is always finished. `snapshotted` means staged, booted or not: it is dropped
 * only when it is certain that the slot that runs is not the one it was staged for. */
export function planSnapshot(facts: TerminalFacts): SnapshotPlan {
  const cows = cowPartitions(facts)
  const status = (facts.snapshotStatus?.value ?? '').trim().toLowerCase()
  const warnings: Finding[] = cows.map((name) => ({
    code: 'cow-leftover',
    detail: `${name} is left over from an update that was never finished; it is deleted`,
  }))
  switch (status) {
    case 'none':
      return { action: undefined, cows, blockers: [], warnings }
    case 'merging':
      return {
        action: 'merge',
        cows,
        blockers: [],
        warnings: [
          {
            code: 'snapshot-merging',
            detail:
              'the terminal is in the middle of merging its own update; it is made to finish that first, which may take minutes',
          },
          ...warnings,
        ],
      }
    case 'snapshotted': {
      const doubt = mayRunFromSnapshot(facts, cows)
      if (doubt !== undefined) return blocked(cows, doubt)
      const cancelled: Finding = {
        code: 'snapshot-cancelled',
        detail: 'an update that the terminal had prepared and not yet booted is dropped',
      }
      return { action: 'cancel', cows, blockers: [], warnings: [cancelled, ...warnings] }
    }
    case '':
      return cows.length === 0
        ? { action: undefined, cows, blockers: [], warnings: [] }
        : blocked(
            cows,
            `super holds ${cows.join(', ')}, and the terminal does not say whether an update is unfinished`,
          )
    default:
      return blocked(cows, `an update of the running system is unfinished (snapshot status: ${status})`)
  }
}

function blocked(cows: readonly string[], detail: string): SnapshotPlan {
  const next = 'Let the terminal boot and finish its own update first, then plan again.'
  return { action: undefined, cows, blockers: [{ code: 'snapshot-merging', detail, next }], warnings: [] }
}

/** After staging, the updater makes the new slot active; a terminal that has booted it, or will next, says `snapshotted` as well
 * until it begins to merge. Undefined when the active slot is certainly the old one. */
function mayRunFromSnapshot(facts: TerminalFacts, cows: readonly string[]): string | undefined {
  const current = facts.currentSlot?.value
  const of = new Set(cows.map((name) => splitSlot(name.slice(0, -COW.length)).slot))
  if (current === undefined)
    return 'an update is prepared, and the terminal does not say which slot is active'
  if (of.has(current)) return `an update is prepared for slot ${current}, which is the active one`
  const vouched = facts.slots[current]?.successful?.value
  if (vouched === true || (vouched === undefined && of.size > 0)) return undefined
  return `an update is prepared, and slot ${current}, the active one, has not been seen booting: it may be the one that the update is for`
}

function cowPartitions(facts: TerminalFacts): readonly string[] {
  const listed = Object.entries(facts.partitions)
    .filter(([, { logical }]) => logical === true)
    .map(([name]) => name)
  const inTables = (facts.superTables?.value.partitions ?? []).map(({ name }) => name)
  return [...new Set([...listed, ...inTables])].filter(isCow).toSorted()
}
