// A backup goes back to the terminal that it was read from: the one way in which radio and identity partitions are ever written.
import { SlotbenchError } from '../../shared/errors.ts'
import type { Receipt } from '../../shared/job.ts'
import type { StepOf } from '../../shared/plan.ts'
import { bytes, partitionName, sha256 } from '../../shared/units.ts'
import { byteSourceImage } from '../core/formats/raw-image.ts'
import type { RunContext } from './run-context.ts'

const NO_OVERALL_LIMIT = Number.POSITIVE_INFINITY

/** Written, and read back: success text is no evidence (zte-domain §0.13). */
export async function restore(step: StepOf<'restore'>, context: RunContext): Promise<Receipt> {
  const session = await context.flash(step)
  const target = partitionName(step.partition)
  const file = await context.deps.openFile(step.file)
  try {
    if (file.size !== step.bytes)
      throw new SlotbenchError(
        'source-changed',
        `${step.file} has ${file.size} bytes, the backup had ${step.bytes}`,
      )
    const options = { ...context.io(NO_OVERALL_LIMIT), workshop: context.deps.workshop }
    const image = byteSourceImage(file, { sha256: sha256(step.sha256) })
    const receipt = await session.write(target, image, { ...options, restore: true })
    const found = await session.digest(target, bytes(step.bytes), options)
    if (found !== step.sha256)
      throw new SlotbenchError(
        'storage-unreliable',
        `${step.partition} is ${found} on the terminal after restoring ${step.sha256}`,
      )
    return { kind: 'write', ...receipt }
  } finally {
    await file.close()
  }
}
