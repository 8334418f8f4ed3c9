// Steps that change the tables of super, in fastbootd. Each can be repeated: what is already as wanted is left alone.
import { SlotbenchError } from '../../shared/errors.ts'
import type { Receipt } from '../../shared/job.ts'
import { missingCase } from '../../shared/missing-case.ts'
import type { StepOf } from '../../shared/plan.ts'
import { bytes, partitionName, splitSlot } from '../../shared/units.ts'
import { newSuperMetadata } from '../core/storage/new-super.ts'
import type { FlashSession } from '../terminals/types.ts'
import type { RunContext } from './run-context.ts'

type Step = StepOf<'snapshot' | 'delete-logical' | 'resize-logical' | 'update-super' | 'new-super'>

const DONE: Receipt = { kind: 'done' }
const COMMAND_MS = 60_000
/** A merge copies the whole update; it takes what it takes, and the terminal is asked for signs of life meanwhile. */
const MERGE_MS = 3_600_000

export async function changeSuper(step: Step, context: RunContext): Promise<Receipt> {
  const session = await context.flash(step)
  switch (step.kind) {
    case 'snapshot':
      await settleSnapshot(step, session, context)
      return DONE
    case 'delete-logical':
      guardOtherSlot(step.partition, session, context)
      await session.deleteLogical(partitionName(step.partition), context.io(COMMAND_MS))
      return DONE
    case 'resize-logical':
      guardOtherSlot(step.partition, session, context)
      await session.resizeLogical(partitionName(step.partition), bytes(step.bytes), {
        ...context.io(COMMAND_MS),
        // Once the system that ran is given up, a refusal would leave none; what this one holds is written over anyway.
        orAnew: context.plan.recipe.giveUpOtherSlot === true || context.plan.recipe.policy === 'rescue',
      })
      return DONE
    case 'update-super':
      await replaceTables(step, session, context)
      return DONE
    case 'new-super':
      guardLater(step, context)
      await session.updateSuper(newSuperMetadata(step).image, true, {
        ...context.io(COMMAND_MS),
        workshop: context.deps.workshop,
      })
      return DONE
    default:
      return missingCase(step)
  }
}

/** Repeated as often as it takes to be proven, whatever the terminal's tables say by then: the power may have gone between two of their
 * copies, and a repetition brings all of them to the same. It takes away nothing but what it took away the first time, because what
 * needs the new tables does not begin before they are proven. */
async function replaceTables(
  step: StepOf<'update-super'>,
  session: FlashSession,
  context: RunContext,
): Promise<void> {
  if (context.plan.recipe.giveUpOtherSlot !== true)
    throw new SlotbenchError(
      'plan-stale',
      'the table of super is replaced only when the other slot is given up',
    )
  guardLater(step, context)
  const tables = (await context.rom()).image(step.image)
  if (tables.sha256 !== step.sha256)
    throw new SlotbenchError(
      'digest-mismatch',
      'the tables in the package are not those that were planned with',
    )
  const options = { ...context.io(COMMAND_MS), workshop: context.deps.workshop }
  await session.updateSuper(tables, step.wipe, options)
}

function guardLater(step: Step, context: RunContext): void {
  const { steps } = context.plan
  const later = steps.slice(steps.findIndex(({ id }) => id === step.id) + 1)
  const begun = later.find(({ id }) => context.stepState(id) !== 'pending')
  if (begun !== undefined)
    throw new SlotbenchError(
      'internal',
      `the tables of super may not be replaced any more: ${begun.id} has begun`,
    )
}

/** What the terminal says now decides, not what it said when the plan was made: an update that has begun to merge has booted, and
 * dropping it would take away the only build there is. */
async function settleSnapshot(
  step: StepOf<'snapshot'>,
  session: FlashSession,
  context: RunContext,
): Promise<void> {
  const status = session.facts.snapshotStatus?.value
  if (status === undefined || status === 'none' || status === '') return
  const merging = status === 'merging'
  if (step.action === 'cancel' && merging)
    throw new SlotbenchError(
      'plan-stale',
      'the terminal has begun to merge its update; it cannot be dropped any more',
    )
  if (merging) context.emit({ type: 'waiting', job: context.job.id, reason: 'merge' })
  await session.snapshotUpdate(step.action, context.io(step.action === 'merge' ? MERGE_MS : COMMAND_MS))
}

/** Whatever the plan says, the logical partitions of the slot that runs stay unless it was given up in words (design, rule 2).
 * Copy-on-write leftovers belong to no slot that could boot. */
function guardOtherSlot(partition: string, session: FlashSession, context: RunContext): void {
  const { slot } = splitSlot(partition)
  const current = session.facts.currentSlot?.value
  const { giveUpOtherSlot, policy } = context.plan.recipe
  if (slot === undefined || slot !== current || giveUpOtherSlot === true || policy === 'rescue') return
  throw new SlotbenchError('plan-stale', `slot ${slot} is the active one; ${partition} stays as it is`)
}
