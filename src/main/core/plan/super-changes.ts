// Which logical partitions are made, resized and given up, in an order in which super never holds more than it can.
import { formatBytes } from '../../../shared/format.ts'
import type { Finding, Recipe, StepOf } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { otherSlot, type Slot, slotted, splitSlot } from '../../../shared/units.ts'
import type { Findings } from './checks.ts'
import { newTables } from './new-tables.ts'
import { isCow } from './snapshots.ts'
import { LEAST_UNIT, type SuperRoom, superRoom } from './super-room.ts'
import { knowsSuper } from './surveyed.ts'
import type { Target, Targets } from './targets.ts'

/** One partition of super that is to get this size, and its image. */
export interface SuperChange {
  readonly target: Target
  readonly partition: string
  readonly slot: Slot | undefined
  readonly bytes: number
}

export interface SuperPlan {
  /** Made or resized and written while the other slot's partitions are whole. */
  readonly before: readonly SuperChange[]
  /** Of the slot that runs, deleted because there is no room for both, or gone with the tables that are replaced. */
  readonly givenUp: readonly string[]
  /** The package's tables take the place of the terminal's, instead of deletions. */
  readonly replaced?: Omit<StepOf<'update-super'>, 'id'>
  /** Made or resized and written after that. */
  readonly after: readonly SuperChange[]
  /** Empty tables that take the place of whatever super holds (policy `rescue`). */
  readonly fresh?: Omit<StepOf<'new-super'>, 'id'>
  /** For the other slot, once the new one has proven that it boots (policy `both`). */
  readonly second: readonly SuperChange[]
}

const NOTHING: SuperPlan = { before: [], givenUp: [], after: [], second: [] }
/** liblp's block; it rounds sizes up to it. */
const BLOCK = 4096
const SIDELOAD =
  'Let the terminal’s own recovery install the package (--policy sideload): it keeps both systems by compressing the new one.'
const GIVE_UP =
  ' Or give up the system of the slot that runs (--give-up-other-slot): then there is no way back.'

export interface SuperInput {
  readonly facts: TerminalFacts
  readonly rom: RomInfo
  readonly recipe: Recipe
  readonly targets: Targets
  readonly fromSlot: Slot | undefined
}

export interface PlannedSuper {
  readonly plan: SuperPlan
  readonly found: Findings
}

export function planSuper(input: SuperInput): PlannedSuper {
  const { facts, rom } = input
  const [first, second] = wantedOf(input)
  const unplanned = { ...NOTHING, before: first, second }
  if (first.length + second.length === 0 || !knowsSuper(facts))
    return { plan: unplanned, found: { blockers: [], warnings: [] } }
  const room = superRoom(facts, rom)
  if (room === undefined) return { plan: unplanned, found: unknownSize(input) }
  const planned = planIn(room, input)
  if (planned.found.blockers.length === 0) return planned
  if (!room.assumed) return underNewTables(room, planned, input)
  const tighter = superRoom(facts, rom, LEAST_UNIT)
  return (tighter && ifTighter(tighter, input)) ?? planned
}

function planIn(whole: SuperRoom, input: SuperInput): PlannedSuper {
  const [first, second] = wantedOf(input)
  const room = whole.without(whole.names.filter(isCow))
  const changes = inOrder(first, room)
  const done = after(room, changes)
  const plan = done.fits ? { ...NOTHING, before: changes } : givingUp(changes, room, input)
  const reached = after(room.without(plan.givenUp), changes)
  const rest = inOrder(second, reached)
  const blockers = [
    ...noRoom({ changes, room, done, givenUp: plan.givenUp }, input),
    ...noRoomForSecond(rest, reached, done),
    ...groupLimit(after(reached, rest)),
  ]
  return {
    plan: { ...plan, second: rest },
    found: { blockers, warnings: givenUpWarning(plan, input) },
  }
}

/** There is room only if the terminal aligns its partitions more tightly than usual, which it does not tell. Its refusal costs
 * nothing while the running slot is whole, and a package for this very model has room once the other slot is given up. Only a
 * terminal without slots has something to lose: half of its partitions would have shrunk by then. */
function ifTighter(room: SuperRoom, input: SuperInput): PlannedSuper | undefined {
  const { plan, found } = planIn(room, input)
  if (found.blockers.length > 0 || input.recipe.policy === 'single') return undefined
  const uncertain: Finding = {
    code: 'super-unknown',
    detail:
      'super is almost full, and how tightly the terminal packs it is not known; it refuses what has no room before that is written',
  }
  if (input.recipe.giveUpOtherSlot !== true)
    return { plan, found: { blockers: [], warnings: [...found.warnings, uncertain] } }
  // Whoever allowed it wants the job done, not refused. Which partitions have room beside the other slot is not known either.
  const late = {
    ...plan,
    before: [],
    givenUp: runningPartitions(room, input),
    after: [...plan.before, ...plan.after],
  }
  const warnings = [...givenUpWarning(late, input), uncertain]
  return { plan: late, found: { blockers: [], warnings } }
}

/** What the terminal's own tables have no place for may have one in the package's. They take the running slot's system away in any
 * case (AOSP flashing.cpp, UpdateSuper), so it is given up by the same word as where room alone is missing. */
function underNewTables(room: SuperRoom, planned: PlannedSuper, input: SuperInput): PlannedSuper {
  const { facts, rom, recipe } = input
  if (recipe.policy !== 'seamless') return planned
  // Where room alone is missing, deletions do.
  const deleting = planIn(room, { ...input, recipe: { ...recipe, giveUpOtherSlot: true } })
  if (deleting.found.blockers.length === 0) return planned
  const givenUp = runningPartitions(room, input)
  const kept = room.without([...room.names.filter(isCow), ...givenUp])
  const [wanted] = wantedOf(input)
  const tables = newTables({ facts, rom, kept, wanted })
  if (tables.kind === 'useless') return planned
  const blockers = (next: string) => planned.found.blockers.map((blocker) => ({ ...blocker, next }))
  if (tables.kind === 'unfit') {
    const told = blockers(`The package’s own tables of super are no help: ${tables.because}. ${SIDELOAD}`)
    return { ...planned, found: { ...planned.found, blockers: told } }
  }
  if (recipe.giveUpOtherSlot !== true)
    return { ...planned, found: { ...planned.found, blockers: blockers(SIDELOAD + GIVE_UP) } }
  const plan = { ...NOTHING, givenUp, replaced: tables.step, after: inOrder(wanted, kept) }
  return { plan, found: { blockers: [], warnings: givenUpWarning(plan, input) } }
}

function runningPartitions(room: SuperRoom, { fromSlot }: SuperInput): readonly string[] {
  return room.names.filter((name) => fromSlot !== undefined && splitSlot(name).slot === fromSlot)
}

/** What the first and the second half of the job want of super. */
function wantedOf({ recipe, targets, fromSlot }: SuperInput): readonly [SuperChange[], SuperChange[]] {
  const of = (list: readonly Target[], slot: Slot | undefined): SuperChange[] =>
    list
      .filter(({ logical }) => logical)
      .map((target) => ({
        target,
        partition: slot === undefined ? target.base : slotted(target.base, slot),
        slot,
        bytes: Math.ceil(target.image.size / BLOCK) * BLOCK,
      }))
  if (recipe.policy === 'single') return [of(targets.unslotted, undefined), []]
  if (fromSlot === undefined) return [[], []]
  const second = [...of(targets.slotted, fromSlot), ...of(targets.unslotted, undefined)]
  return [of(targets.slotted, otherSlot(fromSlot)), recipe.policy === 'both' ? second : []]
}

/** Those that shrink first, so that their space is free for those that grow. */
function inOrder(changes: readonly SuperChange[], room: SuperRoom): readonly SuperChange[] {
  const growth = ({ partition, bytes }: SuperChange) => bytes - (room.sizeOf(partition) ?? 0)
  return changes.toSorted((x, y) => growth(x) - growth(y))
}

function after(room: SuperRoom, changes: readonly SuperChange[]): SuperRoom {
  return changes.reduce((r, { partition, bytes }) => r.resized(partition, bytes), room)
}

/** As much as possible is written before the running slot loses anything: it proves that this terminal can be written at all. */
function givingUp(changes: readonly SuperChange[], room: SuperRoom, input: SuperInput): SuperPlan {
  const { recipe } = input
  if (recipe.giveUpOtherSlot !== true || recipe.policy === 'single') return { ...NOTHING, before: changes }
  const givenUp = runningPartitions(room, input)
  const before: SuperChange[] = []
  const later: SuperChange[] = []
  let now = room
  for (const change of changes) {
    const next = now.resized(change.partition, change.bytes)
    if (next.fits) now = next
    ;(next.fits ? before : later).push(change)
  }
  return { ...NOTHING, before, givenUp, after: later }
}

interface Outcome {
  readonly changes: readonly SuperChange[]
  readonly room: SuperRoom
  readonly done: SuperRoom
  readonly givenUp: readonly string[]
}

function noRoom({ changes, room, done, givenUp }: Outcome, input: SuperInput): Finding[] {
  const { recipe, fromSlot } = input
  if (done.without(givenUp).fits) return []
  const needed = done.taken(changes.map(({ partition }) => partition))
  const free = room.capacity - done.taken() + needed
  const running = runningPartitions(room, input)
  const held =
    fromSlot === undefined ? '' : `; slot ${fromSlot}, which runs, holds ${formatBytes(room.taken(running))}`
  const canGiveUp =
    recipe.policy !== 'single' && recipe.giveUpOtherSlot !== true && done.without(running).fits
  return [
    {
      code: 'super-space',
      detail: `the logical partitions need ${formatBytes(needed)} in super, ${formatBytes(Math.max(0, free))} are free${held}`,
      next: canGiveUp ? SIDELOAD + GIVE_UP : SIDELOAD,
    },
  ]
}

function noRoomForSecond(rest: readonly SuperChange[], reached: SuperRoom, done: SuperRoom): Finding[] {
  const end = after(reached, rest)
  if (rest.length === 0 || end.fits || !reached.fits) return []
  return [
    {
      code: 'super-space',
      detail: `both slots together need ${formatBytes(end.taken())} in super, which has room for ${formatBytes(done.capacity)}`,
      next: 'Use --policy seamless: the other slot gets its system with the terminal’s next update.',
    },
  ]
}

function groupLimit(end: SuperRoom): Finding[] {
  const group = end.overfullGroup
  if (group === undefined) return []
  return [
    {
      code: 'super-space',
      detail: `the group ${group.name} of super may hold ${formatBytes(group.limit)}, the partitions of this ROM need ${formatBytes(group.holds)}`,
      next: `The terminal’s tables are those of another layout. ${SIDELOAD}`,
    },
  ]
}

function givenUpWarning({ givenUp, replaced }: SuperPlan, { fromSlot }: SuperInput): Finding[] {
  if (givenUp.length === 0 && replaced === undefined) return []
  const list = givenUp.join(', ')
  const loss =
    replaced === undefined
      ? `super has no room for two systems: that of slot ${fromSlot} is deleted (${list})`
      : `the terminal’s tables of super have no place for this ROM and are replaced by the package’s; with them goes the system of slot ${fromSlot} (${list})`
  return [
    {
      code: 'other-slot-given-up',
      detail: `${loss}. From then on there is no way back: until the job is finished the terminal does not boot, and if the new system does not boot there is none to fall back to`,
    },
  ]
}

/** A refusal for lack of space costs nothing while the running slot is whole; nothing is given up, and no only system resized, on a
 * guess. */
function unknownSize({ recipe, facts }: SuperInput): Findings {
  const name = facts.superPartition?.value ?? 'super'
  const detail = `the terminal does not tell how large ${name} is, or what is in it`
  if (recipe.policy !== 'single' && recipe.giveUpOtherSlot !== true)
    return {
      blockers: [],
      warnings: [
        {
          code: 'super-unknown',
          detail: `${detail}; it refuses what has no room before anything is written`,
        },
      ],
    }
  return {
    blockers: [
      { code: 'super-unknown', detail: `${detail}, so whether there is room is not known`, next: SIDELOAD },
    ],
    warnings: [],
  }
}
