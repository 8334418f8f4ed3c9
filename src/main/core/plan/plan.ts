// Facts + ROM + recipe → plan. Pure: the same input gives the same plan, and a plan can be shown, kept and replayed.
import type { Finding, Plan, Recipe, Step } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { otherSlot, type Slot } from '../../../shared/units.ts'
import { backupNeeds, spaceProblem } from '../rom/space.ts'
import { bytesSent } from './bytes-sent.ts'
import { checkModel, modelRulesOut } from './check-model.ts'
import { checkSideload } from './check-sideload.ts'
import { checkTrust } from './check-trust.ts'
import {
  checkBattery,
  checkLock,
  checkMode,
  checkPatchLevel,
  checkRequirements,
  checkRollback,
  checkSurvey,
  type Findings,
  mergeFindings,
} from './checks.ts'
import { checkComplete, checkFit, slotsWritten } from './fit.ts'
import { modesToSurvey } from './modes.ts'
import { checkRescue, firstSlot, planRescueSuper } from './rescue.ts'
import { planSnapshot } from './snapshots.ts'
import { backupTargets, buildSteps } from './steps.ts'
import { planSuper } from './super-changes.ts'
import { canReadBack, writingModes } from './surveyed.ts'
import { planTables } from './tables.ts'
import { assignTargets, type Targets, terminalHasSlots } from './targets.ts'

export interface PlanInput {
  readonly facts: TerminalFacts
  readonly rom: RomInfo
  readonly recipe: Recipe
  readonly host: {
    /** Bytes free where backups go. */
    readonly freeBytes: number
  }
  /** ISO 8601, so that the function stays pure. */
  readonly now: string
}

export function plan(input: PlanInput): Plan {
  const { facts, rom, recipe } = input
  const runs = recipe.policy !== 'rescue' && terminalHasSlots(facts)
  const fromSlot = runs ? facts.currentSlot?.value : undefined
  const { found, steps } =
    recipe.policy === 'sideload' ? planSideload(input, fromSlot) : planWrites(input, fromSlot)
  const sum = (sizes: readonly number[]) => sizes.reduce((all, size) => all + size, 0)
  return {
    version: 1,
    createdAt: input.now,
    terminal: {
      bay: facts.bay,
      ...(facts.serial === undefined ? {} : { serial: facts.serial.value }),
      ...(facts.product === undefined ? {} : { product: facts.product.value }),
    },
    facts,
    rom,
    recipe,
    ...(fromSlot === undefined ? {} : { fromSlot }),
    steps: [...steps],
    blockers: distinct(found.blockers),
    warnings: distinct(found.warnings),
    totals: {
      writeBytes: sum(steps.map(bytesSent)),
      backupBytes: sum(steps.map((s) => (s.kind === 'backup' ? s.bytes : 0))),
    },
  }
}

interface Planned {
  readonly found: Findings
  readonly steps: readonly Step[]
}

function planWrites({ host, ...input }: PlanInput, fromSlot: Slot | undefined): Planned {
  const { rom, recipe } = input
  // A terminal of another model was not asked for the rest, and what it did not say is no news.
  if (modelRulesOut(input.facts, rom, recipe) && modesToSurvey(rom, input.facts, recipe.policy).length > 0)
    return {
      found: mergeFindings([checkMode(input.facts, recipe.policy), checkModel(input.facts, rom, recipe)]),
      steps: [],
    }
  const tables = planTables({ facts: input.facts, rom, recipe, fromSlot })
  const { facts } = tables
  const first = recipe.policy === 'rescue' ? firstSlot(facts) : undefined
  const target = first ?? (fromSlot && otherSlot(fromSlot))
  const targets = assignTargets(rom, facts)
  const used = targetsUsed(targets, recipe)
  const inSuper = { facts, rom, recipe, targets }
  const changes = first === undefined ? planSuper({ ...inSuper, fromSlot }) : planRescueSuper(inSuper, first)
  const staged = planSnapshot(facts)
  // What was staged or half merged on a terminal that boots nothing is of no use to anybody.
  const snapshot = first === undefined ? staged : { ...staged, action: undefined, blockers: [], warnings: [] }
  // What is kept lies where the terminal's own tables have it.
  const backups = backupTargets(input.facts)
  const found = mergeFindings([
    checkMode(facts, recipe.policy),
    checkSurvey(facts, rom, recipe.policy),
    checkModel(facts, rom, recipe),
    checkLock(facts),
    checkSlots(facts, recipe, fromSlot),
    checkBattery(facts, recipe),
    snapshot,
    tables,
    checkRequirements(facts, rom),
    checkRollback(facts, rom),
    checkRom(rom),
    checkTrust(facts, rom),
    targets,
    checkUnslotted(targets, recipe),
    checkFit(used, slotsWritten(recipe.policy, target), facts),
    changes.found,
    checkComplete(rom, used, recipe.policy === 'single' ? undefined : target, facts),
    checkHost(backups, host.freeBytes),
    checkHonesty(facts, recipe, backups.length),
  ])
  const steps = buildSteps({
    ...{ facts, rom, recipe, targets, fromSlot, first, snapshot },
    ...{ changes: changes.plan, tables: tables.drafts, backups },
  })
  return { found, steps }
}

/** The recovery writes, so locks, partitions and space are its own business; what it would only refuse late is said early. */
function planSideload(input: PlanInput, fromSlot: Slot | undefined): Planned {
  const { facts, rom, recipe } = input
  const found = mergeFindings([
    checkMode(facts, recipe.policy),
    checkModel(facts, rom, recipe),
    checkBattery(facts, recipe),
    checkSideload(facts, rom, recipe),
    checkTrust(facts, rom),
    ...(rom.downgrade ? [] : [checkPatchLevel(facts, rom)]),
  ])
  return { found, steps: buildSteps({ facts, rom, recipe, fromSlot, ...NOTHING_WRITTEN }) }
}

const NOTHING_WRITTEN = {
  targets: { slotted: [], unslotted: [], blockers: [], warnings: [] },
  snapshot: { action: undefined, cows: [] },
  changes: { before: [], givenUp: [], after: [], second: [] },
  tables: [],
  backups: [],
} as const

function targetsUsed(targets: Targets, recipe: Recipe) {
  if (recipe.policy === 'seamless') return targets.slotted
  return recipe.policy === 'single' ? targets.unslotted : [...targets.slotted, ...targets.unslotted]
}

function checkSlots(facts: TerminalFacts, recipe: Recipe, fromSlot: Slot | undefined): Findings {
  if (recipe.policy === 'rescue') return checkRescue(facts)
  const slots = terminalHasSlots(facts)
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  if (recipe.policy === 'single') {
    if (slots)
      blockers.push({
        code: 'not-a-only',
        detail: 'the terminal has two slots',
        next: 'Use --policy seamless or both, which keep one slot bootable.',
      })
    else
      warnings.push({
        code: 'no-fallback-slot',
        detail:
          'this terminal has no second slot to fall back to: until the last partition is written it cannot boot, and the job must be carried to its end',
      })
    return { blockers, warnings }
  }
  if (!slots)
    blockers.push({ code: 'not-ab', detail: 'the terminal has no second slot', next: 'Use --policy single.' })
  else if (fromSlot === undefined) {
    blockers.push({
      code: 'slot-unknown',
      detail: 'the terminal does not say which slot is active',
      next: 'Let it boot once, then bring it back into fastboot mode.',
    })
  } else if (
    facts.slots[fromSlot]?.successful?.value === false ||
    facts.slots[fromSlot]?.unbootable?.value === true
  ) {
    warnings.push({
      code: 'running-slot-not-good',
      detail: `the terminal does not vouch for slot ${fromSlot}, the one to fall back to: it may not have booted before this job either`,
    })
  }
  return { blockers, warnings }
}

/** An unslotted partition serves both slots: while the old slot may still be needed it stays as it is. */
function checkUnslotted(targets: Targets, recipe: Recipe): Findings {
  if (recipe.policy !== 'seamless') return { blockers: [], warnings: [] }
  return {
    blockers: [],
    warnings: targets.unslotted.map((t) => ({
      code: 'unslotted-skipped' as const,
      detail: `${t.base} has no slots and serves the running slot too; it is not written`,
    })),
  }
}

function checkRom(rom: RomInfo): Findings {
  const blockers: Finding[] = []
  if (!rom.full)
    blockers.push({
      code: 'rom-not-full',
      detail: 'the package is not a full ROM',
      next: 'Fetch the full package of the same build.',
    })
  const unverified = rom.images.filter((image) => image.sha256 === undefined)
  if (unverified.length > 0) {
    blockers.push({
      code: 'rom-not-verified',
      detail: `not verified yet: ${unverified.map((i) => i.name).join(', ')}`,
      next: 'Run `slotbench inspect --verify`; `slotbench flash` does it by itself.',
    })
  }
  return { blockers, warnings: [] }
}

function checkHost(backups: readonly { readonly size: number }[], freeBytes: number): Findings {
  const problem = spaceProblem(backupNeeds(backups), freeBytes)
  if (problem === undefined) return { blockers: [], warnings: [] }
  return {
    blockers: [
      {
        code: 'host-space',
        detail: `on this computer ${problem}`,
        next: 'Free some space on this computer, or choose another data folder with --data.',
      },
    ],
    warnings: [],
  }
}

/** What this mode cannot do is said before the first write, not after. */
function checkHonesty(facts: TerminalFacts, recipe: Recipe, backups: number): Findings {
  const warnings: Finding[] = []
  if (!canReadBack(facts, writingModes(facts).physical)) {
    warnings.push({
      code: 'no-read-back',
      detail:
        'the terminal cannot be read back in this mode: a partition is verified by the digest of what went to the wire and the terminal’s own word; verified boot proves the rest',
    })
  }
  if (backups === 0)
    warnings.push({
      code: 'no-backup-possible',
      detail:
        'radio and identity partitions cannot be read in this mode, so they are not backed up; they are not written either',
    })
  if (recipe.wipe) warnings.push({ code: 'wipe', detail: 'all user data on the terminal will be erased' })
  return { blockers: [], warnings }
}

function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Map(findings.map((f) => [`${f.code} ${f.detail}`, f]))
  return [...seen.values()]
}
