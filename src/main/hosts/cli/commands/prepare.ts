// ROM + terminal + recipe → plan, as `plan` and `flash` both need it.

import { formatBytes } from '../../../../shared/format.ts'
import type { Plan, Policy, Recipe } from '../../../../shared/plan.ts'
import { matchModel } from '../../../core/plan/check-model.ts'
import { describe } from '../../../core/plan/describe.ts'
import { type SuperUse, superUse } from '../../../core/plan/super-use.ts'
import type { Bench } from '../../bench.ts'
import { planFor } from '../../plan-for.ts'
import { type CommandContext, chooseTerminal } from '../command.ts'
import type { Output } from '../output.ts'
import { showPass } from '../progress.ts'
import { countdown } from '../waiting.ts'

export interface FlashOptions {
  readonly terminal?: string
  readonly policy: Policy
  readonly wipe: boolean
  readonly batteryLimit: number
  readonly assumeModel?: string
  readonly proofTimeout: number
  readonly giveUpOtherSlot?: boolean
  readonly packageTables?: boolean
  readonly extendUserdata?: boolean
  readonly loader?: readonly string[]
  readonly flavour?: string
  /** The terminal may be restarted into the modes that know what the plan needs. */
  readonly survey?: boolean
}

function recipeOf(options: FlashOptions): Recipe {
  return {
    policy: options.policy,
    wipe: options.wipe,
    batteryLimit: options.batteryLimit,
    proofTimeout: options.proofTimeout,
    ...(options.assumeModel === undefined ? {} : { assumedModel: options.assumeModel }),
    ...(options.giveUpOtherSlot === true ? { giveUpOtherSlot: true } : {}),
    ...(options.packageTables === true ? { packageTables: true } : {}),
    ...(options.extendUserdata === true ? { extendUserdata: true } : {}),
  }
}

/** Opens and verifies the package, reads the terminal, and plans. The terminal is only read, though it may restart for that. */
export async function prepare(
  bench: Bench,
  path: string,
  options: FlashOptions,
  context: CommandContext,
): Promise<Plan> {
  const { output, signal } = context
  const rom = await bench.open(path, signal, options.flavour)
  const waiting = countdown(output)
  try {
    const sighting = await chooseTerminal(bench, options.terminal, context)
    return await planFor(bench, {
      ...{ rom, sighting, recipe: recipeOf(options), survey: options.survey === true, signal },
      onWaiting: waiting.show,
      onVisit: (mode) =>
        output.note(
          `Restarting the terminal into ${mode} mode to read what only it knows; nothing is written.`,
        ),
      onRead: () => waiting.stop(),
      onVerify: showPass(output, 'Verifying the package'),
    })
  } finally {
    waiting.stop()
    await rom.close()
  }
}

export function showPlan(output: Output, p: Plan): void {
  const { terminal } = p
  output.line(
    `Terminal        ${terminal.product ?? 'unnamed'}, serial ${terminal.serial ?? 'unknown'}, on ${terminal.bay}`,
  )
  if (p.fromSlot !== undefined)
    output.line(`Slots           ${p.fromSlot} is active; policy ${p.recipe.policy}`)
  output.line(`ROM             ${p.rom.build ?? p.rom.path}`)
  const { trust } = p.rom
  if (trust !== undefined)
    output.line(`Trust           ${trust.verdict}: ${trust.summary.replace(/^\w+: /, '')}`)
  const match = matchModel(p.facts, p.rom)
  if (match.kind === 'same' && match.how === 'alias') output.line(`Model           ${match.message}`)
  output.line(`To write        ${formatBytes(p.totals.writeBytes)} in ${p.steps.length} steps`)
  const inSuper = superUse(p)
  if (inSuper !== undefined) output.line(superLine(inSuper))
  if (p.totals.backupBytes > 0)
    output.line(`Backups         ${formatBytes(p.totals.backupBytes)}, kept on this computer`)
  for (const step of p.steps)
    output.line(
      `  ${step.id.split('-')[0]}  ${describe(step)}${step.kind === 'write' ? ` (${formatBytes(step.bytes)})` : ''}`,
    )
  for (const w of p.warnings) output.line(`${output.style('yellow', '!')} ${w.detail}`)
  for (const b of p.blockers)
    output.line(`${output.style('red', '✗')} ${b.detail}${b.next === undefined ? '' : `\n    ${b.next}`}`)
}

function superLine({ capacity, before, fullest, after, assumed }: SuperUse): string {
  const peak = fullest > Math.max(before, after) ? `, ${formatBytes(fullest)} meanwhile` : ''
  const about = assumed ? ', by the sizes that the terminal tells' : ''
  return `Super           ${formatBytes(before)} taken, ${formatBytes(after)} after the job${peak}; room for ${formatBytes(capacity)}${about}`
}
