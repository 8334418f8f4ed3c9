// slotbench apply-delta: makes the full package of a build out of a delta and the full package that it starts from.
import { resolve } from 'node:path'
import { asSlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes } from '../../../../shared/format.ts'
import { type AppliedDelta, applyDelta } from '../../../core/rom/delta.ts'
import { openDeltaPackage } from '../../../core/rom/open.ts'
import { openFile } from '../../../io/files/open-file.ts'
import { openRomFolder } from '../../../io/files/rom-folder.ts'
import type { Bench } from '../../bench.ts'
import { type CommandContext, withBench } from '../command.ts'
import type { Output } from '../output.ts'
import { showPass } from '../progress.ts'
import { showRom } from './inspect.ts'

export interface ApplyDeltaOptions {
  /** The full package of the build that the delta starts from. */
  readonly base: string
  /** Folder for the new package. */
  readonly out: string
}

export async function applyDeltaCommand(
  context: CommandContext,
  path: string,
  options: ApplyDeltaOptions,
): Promise<number> {
  const { output, signal } = context
  return withBench(context, {}, async (bench) => {
    const delta = await openDeltaPackage(resolve(path), { openFile }, signal)
    try {
      const base = await bench.open(options.base, signal)
      try {
        const folder = await openRomFolder(resolve(options.out))
        const onProgress = showDelta(output)
        const applied = await applyDelta(delta, base, {
          workshop: bench.workshop,
          folder,
          signal,
          onProgress,
        })
        await showResult(bench, context, applied)
        return 0
      } finally {
        await base.close()
      }
    } catch (error) {
      if (asSlotbenchError(error).code === 'cancelled')
        output.note('What is finished stays in the folder; the same command goes on from there.')
      throw error
    } finally {
      await delta.close()
    }
  })
}

/** A live line, or with --json one event for each partition that begins. */
function showDelta(output: Output) {
  const show = showPass(output, 'Applying the delta')
  let item = ''
  return (progress: { readonly done: number; readonly total: number; readonly item: string }) => {
    if (progress.item !== item) output.data({ type: 'partition', ...progress })
    item = progress.item
    show(progress.done, progress.total)
  }
}

async function showResult(
  bench: Bench,
  { output, signal }: CommandContext,
  applied: AppliedDelta,
): Promise<void> {
  const rom = await bench.open(applied.path, signal)
  try {
    const { path, partitions, resumed } = applied
    output.data({ type: 'done', path, partitions, resumed, rom: rom.info })
    showRom(output, rom.info)
    const size = partitions.reduce((sum, one) => sum + one.size, 0)
    const kept = resumed.length === 0 ? '' : `; ${resumed.length} of them in an earlier run`
    output.line(
      output.style('green', `${partitions.length} partitions made and proven, ${formatBytes(size)}${kept}.`),
    )
    output.line(`Flash it with     slotbench flash ${path}`)
  } finally {
    await rom.close()
  }
}
