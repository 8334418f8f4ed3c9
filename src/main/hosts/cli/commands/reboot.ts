// slotbench reboot | guide: into another mode, by the terminal's own commands or by hands.
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { GUIDE_BOOK } from '../../../../shared/guide-book.ts'
import { guideFor } from '../../../../shared/guide-choice.ts'
import { GUIDE_IDS, type Guide } from '../../../../shared/guides.ts'
import { MODES } from '../../../../shared/terminal.ts'
import type { RebootTarget } from '../../../terminals/types.ts'
import { type CommandContext, chooseTerminal, endpointsIn, withBench } from '../command.ts'
import { countdown, guideLines } from '../waiting.ts'

export const REBOOT_TARGETS = [
  'system',
  'bootloader',
  'fastbootd',
  'recovery',
  'sideload',
  'edl',
] as const satisfies readonly RebootTarget[]

export interface RebootOptions {
  /** Seconds. */
  readonly wait: number
  readonly loader?: readonly string[]
}

export async function reboot(
  context: CommandContext,
  name: string,
  mode: RebootTarget,
  options: RebootOptions,
): Promise<number> {
  const { output, signal } = context
  const ms = options.wait * 1000
  const patience = { hands: ms, reconnect: ms }
  const { loader: loaders = [] } = options
  return withBench(context, { endpoints: endpointsIn([name]), patience, loaders }, async (bench) => {
    const { journal } = bench
    const sighting = await chooseTerminal(bench, name, context)
    journal.checkFree(sighting.bay, sighting.serial)
    if (sighting.problem !== undefined) throw sighting.problem
    const waiting = countdown(output)
    try {
      const arrival = await bench.goTo(sighting, mode, {
        signal,
        onWaiting: waiting.show,
        // A network endpoint says which terminal it is only once it is open.
        onOpened: ({ bay, serial }) => journal.checkFree(bay, serial?.value),
      })
      waiting.stop()
      output.data({ bay: sighting.bay, ...arrival })
      output.line(`${sighting.bay}: from ${arrival.from} into ${arrival.mode}.`)
      if (arrival.facts === undefined)
        output.line('It is seen there; nothing more can be read of it in this state.')
      return EXIT.ok
    } finally {
      waiting.stop()
    }
  })
}

/** @throws SlotbenchError `usage` for a name that no guide has. */
export async function guide({ output }: CommandContext, name: string | undefined): Promise<number> {
  if (name === undefined) {
    output.data({ guides: Object.values(GUIDE_BOOK) })
    for (const { id, title } of Object.values(GUIDE_BOOK)) output.line(`${id.padEnd(16)} ${title}`)
    return EXIT.ok
  }
  const found = guideNamed(name)
  output.data({ guide: found })
  for (const line of guideLines(found.id)) output.line(line)
  for (const { words, certainty } of found.sources) output.line(`Source (${certainty}): ${words}`)
  return EXIT.ok
}

/** By the mode it leads to, or by its own name. */
function guideNamed(name: string): Guide {
  const id = GUIDE_IDS.find((known) => known === name)
  if (id !== undefined) return GUIDE_BOOK[id]
  const mode = MODES.find((known) => known === name)
  const leading = mode && guideFor(mode === 'system' ? 'recovery' : 'system', mode)
  if (leading !== undefined) return leading
  throw new SlotbenchError(
    'usage',
    `there is no guide ${name}; there are system, ${GUIDE_IDS.filter((known) => known !== 'system-adb').join(', ')}`,
  )
}
