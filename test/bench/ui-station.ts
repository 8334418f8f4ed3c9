// The other side of (k), in a process of its own: a station with 24 simulated terminals, that flashes or writes log lines when told.
import { resolve } from 'node:path'
import { openStation } from '../../src/main/hosts/station/station.ts'
import { EngineBench } from '../engine-bench.ts'
import { BAYS, type StationOrder, type StationWord } from './ui-orders.ts'

/** As many as a window is told of at once, and as often: none is left out on the way. */
const LINES_AT_ONCE = 350
const PAUSE_MS = 100

const bench = new EngineBench()
const { engine } = bench
const state = { flashing: false, jobs: 0, failed: 0 }
let loops: readonly Promise<void>[] = []

async function prepare(): Promise<string> {
  engine.settings.change({ firstStartDone: true })
  engine.model.change({ kind: 'settings', settings: engine.settings.settings })
  const rom = await engine.library.add(await bench.rom())
  await engine.library.verify(rom)
  for (let port = 1; port <= BAYS; port++)
    await bench.plug({ serial: `NX${String(port).padStart(4, '0')}`, port })
  while (engine.model.state.bays.filter(({ facts }) => facts !== undefined).length < BAYS) await pause(50)
  return rom
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/** One job after the other on one bay, each a whole one: read, plan, write, verify, switch, see it boot. */
async function keepFlashing(port: number, rom: string): Promise<void> {
  const bay = `usb:1-${port}`
  while (state.flashing) {
    try {
      const choice = { policy: 'seamless', wipe: false } as const
      const { id } = await engine.planner.make({ bay, rom, choice, survey: true })
      const ended = Promise.withResolvers<string>()
      const stop = engine.runner.onEnd((job) => job.bay === bay && ended.resolve(job.state))
      await engine.runner.start(engine.planner.take(id))
      const how = await ended.promise
      stop()
      if (how === 'done') state.jobs += 1
      else state.failed += 1
    } catch {
      state.failed += 1
      await pause(100)
    }
  }
}

async function writeLines(count: number): Promise<void> {
  for (let written = 0; written < count; written++) {
    const bay = `usb:1-${(written % BAYS) + 1}`
    engine.log.write({ kind: 'terminal-says', text: `(bootloader) line ${written} of what it says` }, { bay })
    if (written % LINES_AT_ONCE === 0) await pause(PAUSE_MS)
  }
}

function say(word: StationWord): void {
  process.send?.(word)
}

const rom = await prepare()
const station = await openStation({
  engine,
  pages: resolve(import.meta.dirname, '../../out/renderer'),
  port: 0,
})
process.on('message', async (order: StationOrder) => {
  if (order.do === 'flash') {
    state.flashing = true
    loops = Array.from({ length: BAYS }, (_, index) => keepFlashing(index + 1, rom))
  } else if (order.do === 'rest') {
    state.flashing = false
    await Promise.all(loops)
  } else if (order.do === 'log') await writeLines(order.lines)
  else {
    await station.close()
    await bench.close()
    process.exit(0)
  }
  say({ done: order.do, jobs: state.jobs, failed: state.failed })
})
say({ url: station.url })
