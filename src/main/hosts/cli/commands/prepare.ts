// ROM + terminal + recipe → plan, as `plan` and `flash` both need it.

import { formatBytes } from '../../../../shared/format.ts'
import type { Plan, Policy, Recipe } from '../../../../shared/plan.ts'
import type { RomInfo } from '../../../../shared/rom.ts'
import type { TerminalFacts } from '../../../../shared/terminal.ts'
import { matchModel, modelRulesOut } from '../../../core/plan/check-model.ts'
import { describe } from '../../../core/plan/describe.ts'
import { mergeFacts } from '../../../core/plan/merge-facts.ts'
import { modesToSurvey } from '../../../core/plan/modes.ts'
import { plan } from '../../../core/plan/plan.ts'
import type { Sighting } from '../../../terminals/types.ts'
import type { Bench } from '../bench.ts'
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
  readonly loader?: readonly string[]
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
  }
}

/** Opens and verifies the package, reads the terminal, and plans. The terminal is only read, though it may restart for that. */
export async function prepare(
  bench: Bench,
  path: string,
  options: FlashOptions,
  context: CommandContext,
): Promise<Plan> {
  const rom = await bench.open(path, context.signal)
  try {
    // The terminal first: a wrong cable is found in a second, a whole ROM is verified in minutes.
    const sighting = await chooseTerminal(bench, options.terminal, context)
    bench.journal.checkFree(sighting.bay, sighting.serial)
    const facts = await readFacts(bench, sighting, { rom: rom.info, options, context })
    const info = await bench.verify(rom, {
      signal: context.signal,
      onProgress: showPass(context.output, 'Verifying the package'),
    })
    return plan({
      facts,
      rom: info,
      recipe: recipeOf(options),
      host: { freeBytes: await bench.freeBytes() },
      now: new Date().toISOString(),
    })
  } finally {
    await rom.close()
  }
}

interface Reading {
  readonly rom: RomInfo
  readonly options: FlashOptions
  readonly context: CommandContext
}

async function readFacts(
  bench: Bench,
  sighting: Sighting,
  { rom, options, context }: Reading,
): Promise<TerminalFacts> {
  const required = rom.requirements.filter((r) => r.variable === 'partition-exists').flatMap((r) => r.anyOf)
  const { output, signal } = context
  const waiting = countdown(output)
  const known = await bench
    .survey({
      bay: sighting.bay,
      signal,
      partitions: [...rom.images.map((image) => image.name), ...required],
      onWaiting: waiting.show,
      onVisit: (mode) =>
        output.note(
          `Restarting the terminal into ${mode} mode to read what only it knows; nothing is written.`,
        ),
      next: (sofar) => {
        const facts = mergeFacts(sofar)
        if (options.survey !== true || modelRulesOut(facts, rom, recipeOf(options))) return []
        return modesToSurvey(rom, facts, options.policy)
      },
    })
    .finally(() => waiting.stop())
  return mergeFacts(known)
}

export function showPlan(output: Output, p: Plan): void {
  const { terminal } = p
  output.line(
    `Terminal        ${terminal.product ?? 'unnamed'}, serial ${terminal.serial ?? 'unknown'}, on ${terminal.bay}`,
  )
  if (p.fromSlot !== undefined)
    output.line(`Slots           ${p.fromSlot} is active; policy ${p.recipe.policy}`)
  output.line(`ROM             ${p.rom.build ?? p.rom.path}`)
  const match = matchModel(p.facts, p.rom)
  if (match.kind === 'same' && match.how === 'alias') output.line(`Model           ${match.message}`)
  output.line(`To write        ${formatBytes(p.totals.writeBytes)} in ${p.steps.length} steps`)
  for (const step of p.steps)
    output.line(
      `  ${step.id.split('-')[0]}  ${describe(step)}${step.kind === 'write' ? ` (${formatBytes(step.bytes)})` : ''}`,
    )
  for (const w of p.warnings) output.line(`${output.style('yellow', '!')} ${w.detail}`)
  for (const b of p.blockers)
    output.line(`${output.style('red', '✗')} ${b.detail}${b.next === undefined ? '' : `\n    ${b.next}`}`)
}
