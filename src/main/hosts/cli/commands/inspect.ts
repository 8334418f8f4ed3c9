// slotbench inspect: what a package is, what it holds, and whether its digests hold.
import { formatBytes } from '../../../../shared/format.ts'
import type { RomInfo } from '../../../../shared/rom.ts'
import { slotCoverage } from '../../../core/rom/slot-coverage.ts'
import { type CommandContext, withBench } from '../command.ts'
import type { Output } from '../output.ts'
import { showPass } from '../progress.ts'
import { edlLines } from './edl-lines.ts'

export async function inspect(
  context: CommandContext,
  path: string,
  options: { readonly verify: boolean; readonly flavour?: string },
): Promise<number> {
  return withBench(context, {}, async (bench) => {
    const rom = await bench.open(path, context.signal, options.flavour)
    try {
      const { output } = context
      const info = options.verify
        ? await bench.verify(rom, { signal: context.signal, onProgress: showPass(output, 'Verifying') })
        : rom.info
      output.data({
        rom: info,
        verified: options.verify,
        ...(info.edl === undefined ? {} : { slots: slotCoverage(info) }),
      })
      showRom(output, info)
      output.line(
        options.verify
          ? output.style('green', 'Every image matches its digest.')
          : 'Digests not checked; add --verify.',
      )
      return 0
    } finally {
      await rom.close()
    }
  })
}

export function showRom(output: Output, rom: RomInfo): void {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Package', `${rom.path} (${rom.kind}${rom.packageSize > 0 ? `, ${formatBytes(rom.packageSize)}` : ''})`],
    ['Made for', rom.models.join(', ') || 'not said'],
    ['Build', rom.build],
    [
      'Date',
      rom.timestamp === undefined ? undefined : new Date(rom.timestamp * 1000).toISOString().slice(0, 10),
    ],
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
