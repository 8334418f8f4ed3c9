// Policy `rescue`, for a terminal in EDL that boots nothing: which slot is written first, and what becomes of super.
import type { Finding } from '../../../shared/plan.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { otherSlot, type Slot } from '../../../shared/units.ts'
import { superTables } from '../formats/super-tables.ts'
import { ALIGNMENTS, newSuper, newSuperMetadata } from '../storage/new-super.ts'
import type { Findings } from './checks.ts'
import { type PlannedSuper, planSuper, type SuperInput } from './super-changes.ts'
import { terminalHasSlots } from './targets.ts'

/** A slot that has been seen booting comes second: whatever it still is, it stays so until the other one is whole. Where both have
 * been, that is the active one. */
export function firstSlot({ slots, currentSlot }: TerminalFacts): Slot {
  const booted = (['a', 'b'] as const).filter((slot) => slots[slot]?.successful?.value === true)
  const kept = booted.find((slot) => slot === currentSlot?.value) ?? booted[0]
  return kept === undefined ? 'a' : otherSlot(kept)
}

export function checkRescue(facts: TerminalFacts): Findings {
  if (facts.mode !== 'edl')
    return blocked({
      code: 'wrong-mode',
      detail: `policy rescue writes both slots of a terminal that boots nothing, in EDL; this one is in ${facts.mode} mode`,
      next: 'Use --policy seamless or both: they leave what still boots alone.',
    })
  if (!terminalHasSlots(facts) && Object.keys(facts.partitions).length > 0)
    return blocked({
      code: 'not-ab',
      detail: 'the terminal has no second slot',
      next: 'Use --policy single.',
    })
  const marked = (['a', 'b'] as const).filter((slot) => facts.slots[slot]?.successful?.value === true)
  const warnings: Finding[] = marked.map((slot) => ({
    code: 'slot-may-boot',
    detail: `slot ${slot} is marked as having booted before; policy rescue writes it too. If the terminal still boots it, use --policy seamless`,
  }))
  return { blockers: [], warnings }
}

/** Super under the policy `rescue`: as if the second slot ran, which is given up where there is no room for both. Where its tables
 * cannot be read, or have no place for the package, new ones are made from the package's groups. */
export function planRescueSuper(input: Omit<SuperInput, 'fromSlot'>, first: Slot): PlannedSuper {
  const { targets, facts } = input
  if (!targets.slotted.some(({ logical }) => logical)) return NOTHING_LOGICAL
  const fromSlot = otherSlot(first)
  const own = facts.superTables === undefined ? undefined : inTables({ ...input, fromSlot })
  if (own?.found.blockers.length === 0) return own
  const name = facts.superPartition?.value ?? 'super'
  const made = ALIGNMENTS.map((alignment) => inFreshTables({ ...input, fromSlot }, name, alignment))
  const fresh = made.find((one) => one?.found.blockers.length === 0) ?? made[0]
  if (fresh !== undefined && (own === undefined || fresh.found.blockers.length === 0)) return fresh
  return own ?? unknown(name)
}

/** Undefined where the package does not say what belongs into super. */
function inFreshTables(
  input: SuperInput & { readonly fromSlot: Slot },
  name: string,
  alignment: number,
): PlannedSuper | undefined {
  const { facts, rom } = input
  const size = facts.partitions[name]?.size
  const fresh = size === undefined ? undefined : newSuper(rom, { name, size, alignment })
  const tables = fresh && superTables(newSuperMetadata(fresh).metadata)
  if (fresh === undefined || tables === undefined) return undefined
  const emptied = {
    ...facts,
    superTables: { value: tables, source: 'the package’s groups' },
    partitions: Object.fromEntries(Object.entries(facts.partitions).filter(([, p]) => p.logical !== true)),
  }
  const { plan, found } = inTables({ ...input, facts: emptied })
  const why = facts.superTables === undefined ? 'cannot be read' : 'have no place for this package'
  const made: Finding = {
    code: 'super-unknown',
    detail: `the tables of ${name} ${why}; new ones are made from what the package says of its groups, and what is in ${name} goes`,
  }
  return { plan: { ...plan, fresh }, found: { ...found, warnings: [made, ...found.warnings] } }
}

const NOTHING_LOGICAL: PlannedSuper = {
  plan: { before: [], givenUp: [], after: [], second: [] },
  found: { blockers: [], warnings: [] },
}

function inTables(input: SuperInput & { readonly fromSlot: Slot }): PlannedSuper {
  const both = planSuper({ ...input, recipe: { ...input.recipe, policy: 'both' } })
  if (both.found.blockers.length === 0) return both
  const recipe = { ...input.recipe, policy: 'seamless', giveUpOtherSlot: true } as const
  const one = planSuper({ ...input, recipe })
  // What is said elsewhere of other ways is not for a terminal that boots nothing.
  const blockers = one.found.blockers.map((blocker) => ({ ...blocker, next: OTHER_PACKAGE }))
  if (blockers.length > 0) return { ...one, found: { ...one.found, blockers } }
  const without: Finding = {
    code: 'second-slot-without-system',
    detail: `super has room for one system: slot ${input.fromSlot} gets its firmware and kernel, and its system with the terminal’s next update`,
  }
  return { plan: one.plan, found: { blockers: [], warnings: [without] } }
}

const OTHER_PACKAGE = 'Use the package made for exactly this model and storage size.'

function unknown(name: string): PlannedSuper {
  const { plan } = NOTHING_LOGICAL
  const blocker: Finding = {
    code: 'super-unknown',
    detail: `the tables of ${name} cannot be read, and the package does not say what belongs into it`,
    next: 'Use the full OTA package of this model, or an EDL package that holds the whole of super.',
  }
  return { plan, found: { blockers: [blocker], warnings: [] } }
}

function blocked(finding: Finding): Findings {
  return { blockers: [finding], warnings: [] }
}
