// What a rescue of a whole ROM moves when the ROM is there already: the engine's job run twice, counted by its receipts and by the terminal.
import type { Job } from '../../src/shared/job.ts'
import { loaderFor } from '../../src/simulator/edl/make-loader.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import { FlashBench, openWorkplace, type Workplace } from '../flash-bench.ts'
import { type BenchContext, MIB, type Series } from './measurement.ts'

interface Moved {
  /** Bytes of the images that were to be written. */
  readonly rom: number
  readonly receipts: number
  /** By the commands that the terminal heard. */
  readonly terminal: number
}

/** Nothing here depends on time: the terminal runs in this process. */
export async function reflashed(bench: BenchContext): Promise<Series[]> {
  const scale = bench.quick ? 1 : 16
  const sizes = { system: 8 * MIB * scale, vendor: 4 * MIB * scale, product: 4 * MIB * scale }
  const place = await openWorkplace(profile('nx679j', { sizes: { ...sizes, userdata: 4 * MIB } }))
  try {
    const [first, again] = await rescuedTwice(place)
    bench.note(`rescue of ${first.rom} bytes: ${first.terminal} moved, then ${again.terminal}`)
    const share = (moved: number) => [(100 * moved) / again.rom]
    const target = { atMost: 1 }
    return [
      { what: 'rescue of a whole ROM: on the wire', unit: '%', samples: share(first.terminal) },
      { what: 'the same again: by the receipts', unit: '%', samples: share(again.receipts), target },
      { what: 'the same again: on the wire', unit: '%', samples: share(again.terminal), target },
    ]
  } finally {
    await place.close()
  }
}

async function rescuedTwice(place: Workplace): Promise<readonly [Moved, Moved]> {
  const bench = await FlashBench.open(place, {
    ...{ policy: 'rescue', adb: {}, loaders: [loaderFor(place.profile)] },
    patience: { reconnect: 60_000, open: 60_000, departure: 5_000 },
    recipe: { proofTimeout: 60, assumedModel: place.rom.models[0] },
  })
  try {
    return [await rescued(bench), await rescued(bench)]
  } finally {
    await bench.close()
  }
}

async function rescued(bench: FlashBench): Promise<Moved> {
  const { terminal } = bench
  terminal.cutPower()
  await terminal.powerOn({ keys: 'edl' })
  let sectors = 0
  const stop = terminal.on((event) => {
    const count = event.kind === 'command' && /^firehose:program .*\bcount (\d+)/.exec(event.command)?.[1]
    if (typeof count === 'string') sectors += Number(count)
  })
  const job = await bench.run(bench.engine().create(await bench.plan()).id)
  stop()
  if (job.state !== 'done') throw new Error(`the rescue ended: ${job.problem?.detail ?? job.state}`)
  return { ...receiptsOf(job), terminal: sectors * terminal.storage.sectorSize }
}

function receiptsOf(job: Job): Pick<Moved, 'rom' | 'receipts'> {
  let [rom, receipts] = [0, 0]
  for (const { receipt } of job.steps) {
    if (receipt?.kind !== 'write') continue
    rom += receipt.imageBytes
    receipts += receipt.wireBytes
  }
  return { rom, receipts }
}
