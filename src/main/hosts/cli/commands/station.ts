// slotbench station: the interface in a browser of this computer, until Ctrl-C.
import { once } from 'node:events'
import { join } from 'node:path'
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { BenchEngine } from '../../bench-engine/bench-engine.ts'
import { openStation } from '../../station/station.ts'
import type { CommandContext } from '../command.ts'

export interface StationOptions {
  readonly port: number
  /** Simulated terminals to begin with. */
  readonly simulate: number
}

const PAGES = join(import.meta.dirname, '../../../../../out/renderer')
/** Two models, so that a package does not fit every bay. */
const MODELS = ['nx769j', 'nx679j'] as const

export async function station(context: CommandContext, options: StationOptions): Promise<number> {
  const { output, data, throughAdbServer, signal } = context
  const engine = new BenchEngine({ kind: 'station', data, throughAdbServer })
  try {
    const served = await openStation({ engine, pages: PAGES, port: options.port })
    try {
      output.data({ station: served.url })
      output.line('Open this address in a browser on this computer. Whoever has it works at the bench:')
      output.line(`  ${served.url}`)
      output.line('Ctrl-C ends it; jobs that run are stopped in order and can be resumed.')
      await simulate(engine, options.simulate, context)
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      await served.close()
    }
  } finally {
    await engine.close()
  }
  return EXIT.ok
}

async function simulate(engine: BenchEngine, count: number, { output }: CommandContext): Promise<void> {
  for (let number = 0; number < count; number++) {
    const { bay, rom } = await engine.simulation.add(MODELS[number % MODELS.length] ?? MODELS[0])
    await engine.library.add(rom)
    output.note(`A simulated terminal is on ${bay}.`)
  }
}
