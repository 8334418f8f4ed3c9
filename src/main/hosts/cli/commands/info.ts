// slotbench info: everything that a terminal tells of itself, each fact with its source. Nothing is written.
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { formatBytes } from '../../../../shared/format.ts'
import { GUIDE_BOOK } from '../../../../shared/guide-book.ts'
import { plainText } from '../../../../shared/plain-text.ts'
import type { Recognised } from '../../../../shared/recognised.ts'
import type { Mode, TerminalFacts } from '../../../../shared/terminal.ts'
import { mergeFacts } from '../../../core/plan/merge-facts.ts'
import type { Sighting } from '../../../terminals/types.ts'
import type { Bench } from '../../bench.ts'
import { knownIdentity, knownWords } from '../../known-identity.ts'
import { type CommandContext, chooseTerminal, endpointsIn, withBench } from '../command.ts'
import type { Output } from '../output.ts'
import { countdown } from '../waiting.ts'
import { factLines } from './fact-lines.ts'
import { type SuperUsage, superUsage } from './super-usage.ts'

export interface InfoOptions {
  readonly survey: boolean
  readonly loader?: readonly string[]
}

export async function info(context: CommandContext, name: string, options: InfoOptions): Promise<number> {
  const { loader = [] } = options
  return withBench(context, { endpoints: endpointsIn([name]), loaders: loader }, async (bench) => {
    const sighting = await chooseTerminal(bench, name, context)
    bench.journal.checkFree(sighting.bay, sighting.serial)
    if (sighting.protocol === undefined || (sighting.protocol === 'edl' && !bench.opensEdl))
      return unopened(bench, sighting, context.output)
    const facts = await read(bench, sighting, options, context)
    const usage = superUsage(facts)
    context.output.data({ facts, super: usage })
    show(context.output, facts, usage)
    return EXIT.ok
  })
}

async function read(
  bench: Bench,
  sighting: Sighting,
  { survey }: InfoOptions,
  { output, signal }: CommandContext,
): Promise<TerminalFacts> {
  const waiting = countdown(output)
  try {
    if (!survey) return await bench.read(sighting, { signal, onWaiting: waiting.show })
    const readings = await bench.survey({
      ...{ bay: sighting.bay, signal, onWaiting: waiting.show },
      partitions: ['super'],
      onVisit: (mode) => output.note(`Restarting the terminal into ${mode} to read what only it knows.`),
      next: (known) => tellingModes(mergeFacts(known)),
    })
    return mergeFacts(readings)
  } finally {
    waiting.stop()
  }
}

/** fastbootd knows what is in super; a terminal without super need not go there. */
function tellingModes({ superPartition, partitions, variables }: TerminalFacts): readonly Mode[] {
  const hasSuper =
    superPartition !== undefined ||
    (partitions['super']?.size ?? 0) > 0 ||
    variables['ro.boot.dynamic_partitions'] === 'true'
  return hasSuper ? ['bootloader', 'fastbootd'] : ['bootloader']
}

function show(output: Output, facts: TerminalFacts, usage: SuperUsage | undefined): void {
  output.line(`${output.style('bold', facts.bay)}  ${facts.mode}`)
  for (const text of factLines(facts)) output.line(text)
  for (const text of usage === undefined ? [] : usageLines(usage)) output.line(text)
  const { surveyed = [] } = facts
  if (surveyed.length > 1)
    output.line(`Read in ${surveyed.join(', ')}; the terminal stays in ${facts.mode}. Nothing was written.`)
}

function usageLines({ size, taken, free, from, groups }: SuperUsage): readonly string[] {
  const about = from === 'tables' ? '' : ' (about; its tables cannot be read)'
  return [
    `Super              ${formatBytes(size)}: ${formatBytes(taken)} taken, ${formatBytes(free)} free${about}`,
    ...groups.map((group) => {
      const limit =
        group.limit === undefined || group.free === undefined
          ? 'no limit'
          : `of ${formatBytes(group.limit)}, ${formatBytes(group.free)} free`
      return `  ${plainText(group.name).padEnd(28)} ${formatBytes(group.taken)} taken, ${limit}`
    }),
  ]
}

/** What cannot be opened is explained: what it is, which terminal it is, and the way out.
 * @throws SlotbenchError where it could be opened but for a problem of this computer. */
function unopened(bench: Bench, sighting: Sighting, output: Output): number {
  if (sighting.problem !== undefined) throw sighting.problem
  const { bay, mode, serial, product, chipSerial, personality } = sighting
  const known = knownIdentity(bench.known, sighting, new Date())
  output.data({ sighting: { bay, mode, serial, product, chipSerial, personality }, known })
  output.line(`${output.style('bold', bay)}  ${mode}`)
  const own = { Serial: serial, 'Chip serial': chipSerial, 'USB product': product }
  for (const [label, value] of Object.entries(own))
    if (value !== undefined) output.line(`${label.padEnd(18)} ${plainText(value)}`)
  if (known !== undefined) {
    output.line(`Known as           ${plainText(knownWords(known))}: ${known.why}`)
    if (known.caution !== undefined) output.line(known.caution)
  }
  for (const text of personality === undefined ? [] : explained(personality)) output.line(text)
  return EXIT.ok
}

/** A recognised personality with the ways out of it, as `list` and `info` show it. */
export function explained({ name, explanation, way }: Recognised): readonly string[] {
  return [
    `${name}: ${explanation}`,
    ...(way?.guide === undefined
      ? []
      : [`By hand: ${GUIDE_BOOK[way.guide].title} (slotbench guide ${way.guide}).`]),
    ...(way?.software ?? []).map((s) => (s.information ? `Known of other tools: ${s.words}` : s.words)),
  ]
}
