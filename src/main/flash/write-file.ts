// One file for one partition: a terminal's own backup goes back, which is the one way in which radio and identity partitions are ever
// written, or a technician writes a single image by hand.
import { SlotbenchError } from '../../shared/errors.ts'
import type { Receipt } from '../../shared/job.ts'
import type { StepOf } from '../../shared/plan.ts'
import { bytes, partitionName, sha256 } from '../../shared/units.ts'
import { openImageFile } from '../core/formats/image-file.ts'
import type { ProgressMeter } from './progress.ts'
import type { RunContext } from './run-context.ts'

const NO_OVERALL_LIMIT = Number.POSITIVE_INFINITY

/** Written, and read back: success text is no evidence (zte-domain §0.13). */
export async function writeFile(
  step: StepOf<'write-file'>,
  context: RunContext,
  meter: ProgressMeter,
): Promise<Receipt> {
  const session = await context.flash(step)
  const target = partitionName(step.partition)
  const file = await context.deps.openFile(step.file)
  try {
    const image = await openImageFile(file)
    if (image.size !== step.bytes)
      throw new SlotbenchError(
        'source-changed',
        `${step.file} holds ${image.size} bytes now, and ${step.bytes} when the job was planned`,
      )
    const options = { ...context.io(NO_OVERALL_LIMIT), workshop: context.deps.workshop }
    meter.startStep(performance.now())
    const promised = { size: image.size, sha256: sha256(step.sha256), extents: image.extents.bind(image) }
    const receipt = await session.write(target, promised, {
      ...options,
      restore: step.restore,
      onProgress: context.reporting(step, meter),
    })
    const found = await session.digest(target, bytes(step.bytes), options)
    if (found !== step.sha256)
      throw new SlotbenchError(
        'storage-unreliable',
        `${step.partition} is ${found} on the terminal after writing ${step.sha256}`,
      )
    meter.finishStep(step)
    return { kind: 'write', ...receipt }
  } finally {
    await file.close()
  }
}
