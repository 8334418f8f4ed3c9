// The package file itself goes to the terminal's recovery, which checks and installs it.
import type { Receipt } from '../../shared/job.ts'
import type { StepOf } from '../../shared/plan.ts'
import type { ProgressMeter } from './progress.ts'
import type { RunContext } from './run-context.ts'

/** The file is the one that was planned with: its digests were checked, and its fingerprint is compared again. */
export async function sideload(
  step: StepOf<'sideload'>,
  context: RunContext,
  meter: ProgressMeter,
): Promise<Receipt> {
  await context.rom()
  if (await isInstalled(step, context)) return { kind: 'done' }
  const session = await context.adb(step)
  const file = await context.deps.openFile(context.plan.rom.path)
  meter.startStep(performance.now())
  try {
    const receipt = await session.sideload(file, {
      ...context.io(Number.POSITIVE_INFINITY),
      onProgress: context.reporting(step, meter),
    })
    meter.finishStep(step)
    return { kind: 'sideload', ...receipt }
  } finally {
    await file.close()
  }
}

/** An earlier run may have been cut off after the terminal had said yes: the other slot is active then, whatever mode it is in, or its
 * system calls itself by the new name. A recovery would refuse the same package, or install it over the slot that now is active. */
async function isInstalled(step: StepOf<'sideload'>, context: RunContext): Promise<boolean> {
  const attempts = context.job.steps.find((record) => record.id === step.id)?.attempts ?? 1
  if (attempts <= 1) return false
  const { facts } = await context.reachAny('sideload')
  const { fromSlot, rom } = context.plan
  const elsewhere =
    fromSlot !== undefined && facts.currentSlot !== undefined && facts.currentSlot.value !== fromSlot
  // Recovery and fastbootd carry the name of their own image.
  const called = facts.mode === 'system' ? facts.fingerprint?.value : undefined
  return elsewhere || (called !== undefined && rom.postBuild?.includes(called) === true)
}
