// slotbench inspect: what a package is, what it holds, and whether it is genuine.
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { asSlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes, formatDay } from '../../../../shared/format.ts'
import type { RomInfo } from '../../../../shared/rom.ts'
import { slotCoverage } from '../../../core/rom/slot-coverage.ts'
import type { Rom } from '../../../core/rom/types.ts'
import { unreadableVerdict } from '../../../core/trust/verdict.ts'
import type { Bench } from '../../bench.ts'
import { type CommandContext, withBench } from '../command.ts'
import { withPackage } from '../named-package.ts'
import type { Output } from '../output.ts'
import { showPass } from '../progress.ts'
import { edlLines } from './edl-lines.ts'
import { showVerdict } from './trust-lines.ts'

export async function inspect(
  context: CommandContext,
  named: string,
  options: { readonly verify: boolean; readonly flavour?: string },
): Promise<number> {
  return withPackage(context, named, (path) =>
    withBench(context, {}, async (bench) => {
      const rom = await bench.open(path, context.signal, options.flavour)
      try {
        return await shown(bench, rom, { context, verify: options.verify })
      } finally {
        await rom.close()
      }
    }),
  )
}

async function shown(
  bench: Bench,
  rom: Rom,
  { context, verify }: { readonly context: CommandContext; readonly verify: boolean },
): Promise<number> {
  const { output } = context
  const info = verify ? await examined(bench, rom, context) : rom.info
  output.data({
    rom: info,
    verified: verify,
    ...(info.edl === undefined ? {} : { slots: slotCoverage(info) }),
  })
  showRom(output, info)
  const { trust } = info
  if (trust === undefined) output.line('Digests not checked, nor signatures; add --verify.')
  else {
    if (trust.verdict !== 'broken') output.line(output.style('green', 'Every image matches its digest.'))
    showVerdict(output, trust)
  }
  return trust?.verdict === 'broken' ? EXIT.package : EXIT.ok
}

/** A package that cannot be read to its end has a verdict too, besides the error. */
async function examined(bench: Bench, rom: Rom, context: CommandContext): Promise<RomInfo> {
  try {
    const onProgress = showPass(context.output, 'Verifying')
    return await bench.verify(rom, { signal: context.signal, onProgress })
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (error.exitCode !== EXIT.package) throw error
    showVerdict(context.output, unreadableVerdict(error.message))
    throw error
  }
}

export function showRom(output: Output, rom: RomInfo): void {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Package', `${rom.path} (${rom.kind}${rom.packageSize > 0 ? `, ${formatBytes(rom.packageSize)}` : ''})`],
    ['Made for', rom.models.join(', ') || 'not said'],
    ['Build', rom.build],
    ['Date', rom.timestamp === undefined ? undefined : formatDay(rom.timestamp)],
    ['Security patch', rom.securityPatch],
    ['Rollback', rollback(rom)],
    ['Kind', rom.full ? 'full' : 'delta'],
  ]
  for (const [name, value] of [...facts, ...edlLines(rom)])
    if (value !== undefined) output.line(`${name.padEnd(15)} ${value}`)
  output.line(
    `Images          ${rom.images.length}, ${formatBytes(rom.images.reduce((sum, i) => sum + i.size, 0))}`,
  )
  for (const image of rom.images) {
    const name = image.slot === undefined ? image.name : `${image.name} (slot ${image.slot})`
    output.line(
      `  ${name.padEnd(20)} ${formatBytes(image.size).padStart(10)}  ${image.placement === 'logical' ? 'logical  ' : ''}${image.sha256?.slice(0, 16) ?? 'no digest in the package'}`,
    )
  }
  for (const note of rom.notes) output.line(`Note: ${note}`)
}

function rollback(rom: RomInfo): string | undefined {
  const entries = Object.entries(rom.rollback ?? {})
  return entries.length === 0
    ? undefined
    : entries.map(([location, index]) => `${location}: ${index}`).join(', ')
}
