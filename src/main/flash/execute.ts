// How each kind of step is carried out, and what proves it.
import { SlotbenchError } from '../../shared/errors.ts'
import type { Receipt } from '../../shared/job.ts'
import { missingCase } from '../../shared/missing-case.ts'
import type { Step, StepOf } from '../../shared/plan.ts'
import { bytes, partitionName, type Slot, sha256 } from '../../shared/units.ts'
import { backupTerminal } from '../core/plan/backup-terminal.ts'
import type { ImageSource } from '../core/source.ts'
import { tableFromData } from '../core/storage/table-data.ts'
import type { FlashSession } from '../terminals/types.ts'
import { changeSuper } from './change-super.ts'
import type { ProgressMeter } from './progress.ts'
import { proveBoot } from './prove-boot.ts'
import type { RunContext } from './run-context.ts'
import { sideload } from './sideload.ts'
import { writeFile } from './write-file.ts'

const DONE: Receipt = { kind: 'done' }
/** An erase of userdata can take minutes (zte-domain §4.4). */
const ERASE_MS = 300_000
const COMMAND_MS = 30_000
/** No deadline of its own for a whole image: each command inside has one, and progress is visible. */
const NO_OVERALL_LIMIT = Number.POSITIVE_INFINITY

export async function execute(step: Step, context: RunContext, meter: ProgressMeter): Promise<Receipt> {
  switch (step.kind) {
    case 'identify':
      await context.reachAny()
      return DONE
    case 'enter-mode':
      await context.reach(step.mode)
      return DONE
    case 'snapshot':
    case 'delete-logical':
    case 'resize-logical':
    case 'update-super':
    case 'new-super':
      return changeSuper(step, context)
    case 'write-table':
      return writeTable(step, context)
    case 'write-file':
      return writeFile(step, context, meter)
    case 'sideload':
      return sideload(step, context, meter)
    case 'backup':
      return backup(step, context)
    case 'write':
      return write(step, context, meter)
    case 'verify':
      return verify(step, context, meter)
    case 'erase':
      await (await context.flash(step)).erase(partitionName(step.partition), context.io(ERASE_MS))
      return DONE
    case 'set-active':
      return setActive(step, context)
    case 'reboot':
      return reboot(step, context)
    case 'prove-boot':
      return proveBoot(step, context)
    default:
      return missingCase(step)
  }
}

/** Read, kept, and read a second time: a backup that cannot be reproduced is not one. */
async function backup(step: StepOf<'backup'>, context: RunContext): Promise<Receipt> {
  const session = await context.flash(step)
  const target = partitionName(step.partition)
  const size = bytes(step.bytes)
  const saved = await context.deps.backups.save(
    { id: context.job.id, terminal: backupTerminal(context.plan.facts) },
    step.partition,
    session.read(target, size, context.io(NO_OVERALL_LIMIT)),
  )
  const again = await session.digest(target, size, {
    ...context.io(NO_OVERALL_LIMIT),
    workshop: context.deps.workshop,
  })
  if (again !== saved.sha256) {
    throw new SlotbenchError(
      'storage-unreliable',
      `two readings of ${step.partition} differ; nothing was written`,
    )
  }
  return { kind: 'backup', ...saved }
}

async function write(step: StepOf<'write'>, context: RunContext, meter: ProgressMeter): Promise<Receipt> {
  const session = await context.flash(step)
  guardRunningSlot(step.slot, session, context)
  const rom = await context.rom()
  const image = promising(rom.image(step.image), step.sha256)
  meter.startStep(performance.now())
  const receipt = await session.write(partitionName(step.partition), image, {
    ...context.io(NO_OVERALL_LIMIT),
    workshop: context.deps.workshop,
    onProgress: context.reporting(step, meter),
  })
  if (receipt.sha256 !== step.sha256) {
    throw new SlotbenchError('digest-mismatch', `what was sent for ${step.partition} is not what was planned`)
  }
  meter.finishStep(step)
  return { kind: 'write', ...receipt }
}

/** The image with the digest that the plan was made with, also where the package itself carries none (fastboot sets): a changed
 * file is then noticed before its last piece is flashed. */
function promising(image: ImageSource, digest: string): ImageSource {
  return { size: image.size, sha256: sha256(digest), extents: (options) => image.extents(options) }
}

/** The last line before the wire: whatever the plan says, the slot that runs is never written (design, rule 2). In a rescue none runs. */
function guardRunningSlot(slot: Slot | undefined, session: FlashSession, { plan }: RunContext): void {
  const current = session.facts.currentSlot?.value
  if (slot !== undefined && slot === current && plan.recipe.policy !== 'rescue') {
    throw new SlotbenchError('plan-stale', `slot ${slot} is the active one; it is not written`)
  }
}

async function writeTable(step: StepOf<'write-table'>, context: RunContext): Promise<Receipt> {
  const session = await context.edl(step)
  await session.writeTable(step.lun, tableFromData(step.table), context.io(NO_OVERALL_LIMIT))
  return DONE
}

async function verify(step: StepOf<'verify'>, context: RunContext, meter: ProgressMeter): Promise<Receipt> {
  const { method, sha256, partition } = step
  let found = method === 'read-back' ? await readBack(step, context) : sentDigest(step, context)
  const attempts = context.job.steps.find((record) => record.id === step.id)?.attempts ?? 1
  // An earlier run has stopped here and said why. Whoever resumes wants it mended, and reading alone would find the same again.
  if (found !== sha256 && method === 'read-back' && attempts > 1) {
    await writeAgain(step, context, meter)
    found = await readBack(step, context)
  }
  if (found !== sha256) {
    throw new SlotbenchError(
      method === 'read-back' ? 'storage-unreliable' : 'digest-mismatch',
      `${partition} is ${found} on the terminal and ${sha256} in the package`,
    )
  }
  return { kind: 'verify', method, sha256: found }
}

async function readBack(step: StepOf<'verify'>, context: RunContext): Promise<string> {
  const session = await context.flash(step)
  const written = writeOf(step, context)
  const expected = written && (await context.rom()).image(written.image)
  return session.digest(partitionName(step.partition), bytes(step.bytes), {
    ...context.io(NO_OVERALL_LIMIT),
    workshop: context.deps.workshop,
    ...(expected === undefined ? {} : { expected: promising(expected, step.sha256) }),
  })
}

async function writeAgain(step: StepOf<'verify'>, context: RunContext, meter: ProgressMeter): Promise<void> {
  const written = writeOf(step, context)
  if (written === undefined) return
  meter.redo(written)
  await write(written, context, meter)
}

function writeOf(step: StepOf<'verify'>, { plan }: RunContext): StepOf<'write'> | undefined {
  return plan.steps.find((s): s is StepOf<'write'> => s.kind === 'write' && s.partition === step.partition)
}

/** From the journal, not from memory: what an earlier run proved counts, and nothing else. */
function sentDigest(step: StepOf<'verify'>, context: RunContext): string {
  const written = writeOf(step, context)
  const receipt = context.job.steps.find((record) => record.id === written?.id)?.receipt
  if (receipt?.kind !== 'write')
    throw new SlotbenchError('internal', `no receipt for the writing of ${step.partition}`)
  return receipt.sha256
}

/** A slot is made active only when all its partitions are verified (design, rule 3), whatever the order of the plan. */
async function setActive(step: StepOf<'set-active'>, context: RunContext): Promise<Receipt> {
  const unproven = context.plan.steps.find(
    (s) =>
      (s.kind === 'write' || s.kind === 'verify') &&
      s.slot === step.slot &&
      context.stepState(s.id) !== 'proven',
  )
  if (unproven !== undefined)
    throw new SlotbenchError(
      'internal',
      `slot ${step.slot} may not be made active: ${unproven.id} is not proven`,
    )
  const session = await context.flash(step)
  await session.setActive(step.slot, context.io(COMMAND_MS))
  const facts = await session.refresh(context.io(context.patience.open))
  if (facts.currentSlot !== undefined && facts.currentSlot.value !== step.slot) {
    throw new SlotbenchError(
      'terminal-refused',
      `the terminal accepted the switch to slot ${step.slot} and still says ${facts.currentSlot.value}`,
    )
  }
  return { kind: 'switch', unmarked: facts.slots[step.slot]?.successful?.value === false }
}

async function reboot(step: StepOf<'reboot'>, context: RunContext): Promise<Receipt> {
  // After a crash of ours the terminal may have gone already; one in its system or recovery has no use for a bootloader now.
  const session = step.to === 'system' ? await context.reachAny('system') : await context.flash(step)
  if (step.to === 'system' && session.facts.mode === 'system' && context.modeFor(step) !== 'system') {
    // Whoever looks for the boot opens the terminal anew.
    await context.dropSession()
    return DONE
  }
  await session.reboot(step.to, context.io(COMMAND_MS))
  await context.departed()
  return DONE
}
