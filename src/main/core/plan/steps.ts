// The steps of each slot policy, in the order that always leaves something bootable.
import { missingCase } from '../../../shared/missing-case.ts'
import type { Recipe, Step } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { Mode, TerminalFacts } from '../../../shared/terminal.ts'
import { otherSlot, type Slot, slotted } from '../../../shared/units.ts'
import { isBootChain, isProtected } from './protected.ts'
import type { SnapshotPlan } from './snapshots.ts'
import type { SuperChange, SuperPlan } from './super-changes.ts'
import { canReadBack, writingModes } from './surveyed.ts'
import type { Target, Targets } from './targets.ts'

/** A step before its place in the order gives it its id. */
type Draft = Step extends infer S ? (S extends Step ? Omit<S, 'id'> : never) : never

/** Steps that one mode carries out. Empty ones cost no change of mode. */
interface Stretch {
  readonly mode: Mode
  readonly drafts: readonly Draft[]
}

export interface StepInput {
  readonly facts: TerminalFacts
  readonly rom: RomInfo
  readonly recipe: Recipe
  readonly targets: Targets
  /** The slot that runs now; undefined on terminals without slots. */
  readonly fromSlot: Slot | undefined
  readonly snapshot: Pick<SnapshotPlan, 'action' | 'cows'>
  readonly changes: SuperPlan
  /** What comes before everything else that is written: repaired or new partition tables. */
  readonly tables: readonly TableDraft[]
  /** Kept before the first write. */
  readonly backups: readonly BackupTarget[]
  /** The slot that policy `rescue` writes first. */
  readonly first?: Slot | undefined
}

export interface BackupTarget {
  readonly name: string
  /** Bytes. */
  readonly size: number
}

export type TableDraft = Omit<Extract<Step, { kind: 'write-table' }>, 'id'>

export function buildSteps(input: StepInput): readonly Step[] {
  const { facts } = input
  const drafts = [{ kind: 'identify' } as const, ...inModes([...backups(input), ...stretches(input)], facts)]
  const width = String(drafts.length).length
  return drafts.map(
    (draft, index) => ({ ...draft, id: `${String(index + 1).padStart(width, '0')}-${label(draft)}` }) as Step,
  )
}

function stretches(input: StepInput): readonly Stretch[] {
  const { recipe, fromSlot } = input
  switch (recipe.policy) {
    case 'single':
      return single(input)
    case 'seamless':
      return fromSlot === undefined ? [] : seamless(fromSlot, input)
    case 'both':
      return fromSlot === undefined ? [] : [...seamless(fromSlot, input), ...secondSlot(fromSlot, input)]
    case 'rescue':
      return input.first === undefined ? [] : rescue(input.first, input)
    case 'sideload':
      return sideload(input)
    default:
      return missingCase(recipe.policy)
  }
}

/** The running slot is not touched; the switch comes after the last proof of the new slot's bytes (design, rules 2 and 3).
 * fastbootd first: it alone can say that there is no room, before anything is written. The switch in the bootloader: ZTE's are
 * known to have `set_active` (zte-domain §2.4), fastbootd needs a boot control HAL in its recovery for it. */
function seamless(fromSlot: Slot, input: StepInput): readonly Stretch[] {
  const { recipe, targets, changes } = input
  const target = otherSlot(fromSlot)
  const bootTo: Draft[] = [
    ...wipe(recipe),
    { kind: 'set-active', slot: target },
    ...bootAndProve(input, target),
  ]
  const { physical, logical } = writingModes(input.facts)
  return [
    {
      mode: logical,
      drafts: [...input.tables, ...settleSuper(input), ...changeAndWrite(changes.before, input)],
    },
    { mode: physical, drafts: writeAll(targets.slotted.filter(isPhysical), target, input) },
    { mode: logical, drafts: [...giveUp(changes), ...changeAndWrite(changes.after, input)] },
    { mode: physical, drafts: bootTo },
  ]
}

function secondSlot(fromSlot: Slot, input: StepInput): readonly Stretch[] {
  const { targets, changes } = input
  const { physical, logical } = writingModes(input.facts)
  const rest = [...targets.slotted, ...targets.unslotted].filter(isPhysical)
  return [
    { mode: logical, drafts: changeAndWrite(changes.second, input) },
    { mode: physical, drafts: writeAll(rest, fromSlot, input) },
  ]
}

/** Nothing boots, so there is nothing to keep: one slot is made whole and active, then the other, so that whatever happens from the
 * switch on leaves one that boots. What serves both slots comes with the first. */
function rescue(first: Slot, input: StepInput): readonly Stretch[] {
  const { recipe, targets, changes } = input
  const mode = writingModes(input.facts).physical
  const slotted = targets.slotted.filter(isPhysical)
  return [
    {
      mode,
      drafts: [
        ...input.tables,
        ...(changes.fresh === undefined ? settleSuper(input) : [changes.fresh]),
        ...changeAndWrite(changes.before, input),
        ...giveUp(changes),
        ...changeAndWrite(changes.after, input),
        ...writeAll([...targets.unslotted.filter(isPhysical), ...slotted], first, input),
        ...wipe(recipe),
        { kind: 'set-active', slot: first },
        ...changeAndWrite(changes.second, input),
        ...writeAll(slotted, otherSlot(first), input),
        ...bootAndProve(input, first),
      ],
    },
  ]
}

/** fastbootd is part of what is replaced (boot or recovery), so it does its part first, while it is still the old one. */
function single(input: StepInput): readonly Stretch[] {
  const { recipe, targets, changes } = input
  const { physical, logical } = writingModes(input.facts)
  return [
    {
      mode: logical,
      drafts: [...input.tables, ...settleSuper(input), ...changeAndWrite(changes.before, input)],
    },
    {
      mode: physical,
      drafts: [
        ...writeAll(targets.unslotted.filter(isPhysical), undefined, input),
        ...wipe(recipe),
        ...bootAndProve(input, undefined),
      ],
    },
  ]
}

function sideload(input: StepInput): readonly Stretch[] {
  const { rom, fromSlot } = input
  const slot = fromSlot && otherSlot(fromSlot)
  return [
    {
      mode: 'sideload',
      drafts: [{ kind: 'sideload', bytes: rom.packageSize }, ...bootAndProve(input, slot)],
    },
  ]
}

function bootAndProve({ rom, fromSlot, changes }: StepInput, slot: Slot | undefined): readonly Draft[] {
  const [fingerprint, ...others] = rom.postBuild ?? []
  const hasFallback = slot !== undefined && fromSlot !== undefined && giveUp(changes).length === 0
  return [
    { kind: 'reboot', to: 'system' },
    {
      kind: 'prove-boot',
      ...(slot === undefined ? {} : { slot }),
      ...(hasFallback ? { fallback: fromSlot } : {}),
      ...(fingerprint === undefined || others.length > 0 ? {} : { fingerprint }),
    },
  ]
}

function settleSuper({ snapshot }: StepInput): readonly Draft[] {
  const { action, cows } = snapshot
  return [...(action === undefined ? [] : [{ kind: 'snapshot', action } as const]), ...deletions(cows)]
}

/** From here on the slot that ran does not boot any more. */
function giveUp({ givenUp, replaced }: SuperPlan): readonly Draft[] {
  return replaced === undefined ? deletions(givenUp) : [replaced]
}

function deletions(partitions: readonly string[]): readonly Draft[] {
  return partitions.map((partition) => ({ kind: 'delete-logical', partition }))
}

/** All sizes first: what has no room is refused before the first byte is sent. */
function changeAndWrite(changes: readonly SuperChange[], { facts }: StepInput): readonly Draft[] {
  const readable = canReadBack(facts, writingModes(facts).logical)
  return [
    ...changes.map(({ partition, bytes }): Draft => ({ kind: 'resize-logical', partition, bytes })),
    ...changes.flatMap(({ target, slot }) => writeAndVerify(target, slot, readable)),
  ]
}

function isPhysical(target: Target): boolean {
  return !target.logical
}

/** Each image is written and at once verified. The boot chain comes last: until then the bootloader that came in can still help. */
function writeAll(
  targets: readonly Target[],
  slot: Slot | undefined,
  { facts }: StepInput,
): readonly Draft[] {
  const ordered = targets.toSorted((x, y) => Number(isBootChain(x.base)) - Number(isBootChain(y.base)))
  const readable = canReadBack(facts, writingModes(facts).physical)
  return ordered.flatMap((target) => writeAndVerify(target, target.slotted ? slot : undefined, readable))
}

function writeAndVerify(target: Target, slot: Slot | undefined, readable: boolean): readonly Draft[] {
  const common = {
    partition: slot === undefined ? target.base : slotted(target.base, slot),
    ...(slot === undefined ? {} : { slot }),
    bytes: target.image.size,
    sha256: target.image.sha256 ?? '',
  }
  const image = {
    name: target.image.name,
    ...(target.image.slot === undefined ? {} : { slot: target.image.slot }),
  }
  return [
    { kind: 'write', image, ...common },
    { kind: 'verify', method: readable ? 'read-back' : 'stream', ...common },
  ]
}

/** Identity and radio partitions are kept before the first write, where a mode can read them at all (design, rule 1). */
function backups({ facts, backups: targets }: StepInput): readonly Stretch[] {
  const mode = backupMode(facts)
  if (mode === undefined) return []
  const drafts = targets.map(({ name, size }): Draft => ({ kind: 'backup', partition: name, bytes: size }))
  return [{ mode, drafts }]
}

function backupMode(facts: TerminalFacts): Mode | undefined {
  return (['bootloader', 'fastbootd', 'edl'] as const).find((mode) => canReadBack(facts, mode))
}

export function backupTargets(facts: TerminalFacts): readonly BackupTarget[] {
  if (backupMode(facts) === undefined) return []
  return Object.entries(facts.partitions).flatMap(([name, p]) =>
    isProtected(name) && p.size !== undefined ? [{ name, size: p.size }] : [],
  )
}

function wipe(recipe: Recipe): readonly Draft[] {
  return recipe.wipe ? [{ kind: 'erase', partition: 'userdata' }] : []
}

/** Puts the way into each mode before its steps. After a proof of a boot nobody knows the mode. */
function inModes(all: readonly Stretch[], facts: TerminalFacts): readonly Draft[] {
  let mode: Mode | undefined = facts.mode
  return all.flatMap((stretch) => {
    if (stretch.drafts.length === 0) return []
    const way: Draft[] = stretch.mode === mode ? [] : [{ kind: 'enter-mode', mode: stretch.mode }]
    mode = stretch.drafts.some(({ kind }) => kind === 'prove-boot') ? undefined : stretch.mode
    return [...way, ...stretch.drafts]
  })
}

function label(draft: Draft): string {
  switch (draft.kind) {
    case 'backup':
    case 'write':
    case 'verify':
    case 'erase':
    case 'delete-logical':
    case 'resize-logical':
    case 'write-file':
      return `${draft.kind}-${draft.partition}`
    case 'write-table':
      return `write-table-${draft.lun}`
    case 'set-active':
      return `set-active-${draft.slot}`
    case 'reboot':
      return `reboot-${draft.to}`
    case 'enter-mode':
      return `enter-${draft.mode}`
    case 'snapshot':
      return `snapshot-${draft.action}`
    case 'identify':
    case 'prove-boot':
    case 'update-super':
    case 'new-super':
    case 'sideload':
      return draft.kind
    default:
      return missingCase(draft)
  }
}
