// (k) The interface in Chromium: how much is sent, when the wall is there, how soon a key is answered under load, how much memory it takes.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { glob, readFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildIfNeeded } from '../../scripts/build-if-needed.ts'
import { findTool } from '../tools.ts'
import type { BenchCase, BenchContext, Outcome, Series } from './measurement.ts'
import { UiBrowser } from './ui-browser.ts'
import { BAYS, type StationOrder, type StationWord } from './ui-orders.ts'

export const userInterface: BenchCase = {
  name: 'ui',
  title: '(k) The interface: bundle, first paint, keys under load, memory',
  measure,
}

const PAGES = join(import.meta.dirname, '../../out/renderer')
/** From the wall to a bay, its log, back to the wall, and so on; each changes the whole screen. */
const ROUND = ['1', 'l', 'Escape', '9', 'Escape', '5', 'l', 'Escape'] as const
const KEY_PAUSE_MS = 120

async function measure(bench: BenchContext): Promise<Outcome> {
  const executablePath = findTool('chromium')
  if (executablePath === undefined) return { kind: 'not-measured', reason: 'chromium is not installed' }
  if (process.platform !== 'linux') return { kind: 'not-measured', reason: 'memory is read from /proc' }
  await buildIfNeeded()
  const bundle = await bundleSizes()
  const station = await Station.start()
  try {
    const firstPaint: number[] = []
    for (let run = 0; run <= bench.runs; run++) {
      const at = await firstPaintOf(executablePath, station)
      if (run > 0) firstPaint.push(at)
    }
    const browser = await UiBrowser.open(executablePath, BAYS)
    try {
      await browser.wallPaintedAt(station.url)
      const keys = await keysUnderLoad(bench, browser, station)
      const memory = await memoryOfLog(bench, browser, station)
      const series = [...bundle, paintSeries(firstPaint), ...keys.series, ...memory]
      return { kind: 'measured', notes: keys.notes, series }
    } finally {
      await browser.close()
    }
  } finally {
    await station.stop()
  }
}

/** Scripts and styles, packed as a web server would; those that the first screen waits for, and all with every language. */
async function bundleSizes(): Promise<readonly Series[]> {
  const page = await readFile(join(PAGES, 'index.html'), 'utf8')
  const first = [...page.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+\.(?:js|css))"/g)].map(
    ([, path = '']) => path,
  )
  const all: string[] = []
  for await (const path of glob('assets/*.{js,css}', { cwd: PAGES })) all.push(path)
  const kilobytes = async (paths: readonly string[]): Promise<number> => {
    const sizes = await Promise.all(
      paths.map(async (path) => gzipSync(await readFile(join(PAGES, path))).length),
    )
    return sizes.reduce((sum, size) => sum + size, 0) / 1000
  }
  return [
    { what: 'bundle, gzipped, for the first screen', unit: 'kB', samples: [await kilobytes(first)] },
    {
      ...{ what: 'bundle, gzipped, with every language', unit: 'kB', samples: [await kilobytes(all)] },
      target: { atMost: 500 },
    },
  ]
}

async function firstPaintOf(executablePath: string, station: Station): Promise<number> {
  const browser = await UiBrowser.open(executablePath, BAYS)
  try {
    return await browser.wallPaintedAt(station.url)
  } finally {
    await browser.close()
  }
}

const paintSeries = (samples: readonly number[]): Series => ({
  ...{ what: `first paint of the wall with ${BAYS} bays`, unit: 'ms', samples, target: { atMost: 1_000 } },
})

async function keysUnderLoad(bench: BenchContext, browser: UiBrowser, station: Station) {
  const rounds = bench.quick ? 2 : 8
  const keys = Array.from({ length: rounds }, () => ROUND).flat()
  const idle = await browser.pressed(keys, KEY_PAUSE_MS)
  await station.tell({ do: 'flash' })
  // Until every bay is at work.
  await browser.page.waitForTimeout(2_000)
  const slow: number[] = []
  const worst: number[] = []
  const middle: number[] = []
  for (let run = 0; run < bench.runs; run++) {
    const times = (await browser.pressed(keys, KEY_PAUSE_MS)).toSorted((a, b) => a - b)
    middle.push(times[Math.floor(times.length / 2)] ?? Number.NaN)
    slow.push(times[Math.ceil(times.length * 0.95) - 1] ?? Number.NaN)
    worst.push(times.at(-1) ?? Number.NaN)
  }
  const load = loadavg()[0] ?? Number.NaN
  const { jobs, failed } = await station.tell({ do: 'rest' })
  const what = `key to paint while ${BAYS} bays flash`
  const series: readonly Series[] = [
    { what: 'key to paint, nothing else going on', unit: 'ms', samples: idle },
    { what: `${what}: half are faster`, unit: 'ms', samples: middle },
    { what: `${what}: 95 % are faster`, unit: 'ms', samples: slow, target: { atMost: 100 } },
    { what: `${what}: the slowest of ${keys.length}`, unit: 'ms', samples: worst },
  ]
  const notes = [
    `${jobs} jobs were done meanwhile, ${failed} were not; engine, terminals and browser share the processor (load ${load.toFixed(1)})`,
  ]
  return { series, notes }
}

/** A bay's log is open and holds as many older lines as it takes; a million lines pass. */
async function memoryOfLog(
  bench: BenchContext,
  browser: UiBrowser,
  station: Station,
): Promise<readonly Series[]> {
  const lines = bench.quick ? 20_000 : 1_000_000
  await browser.pressed(['1', 'l'], KEY_PAUSE_MS)
  await station.tell({ do: 'log', lines })
  const older = browser.page.getByRole('button', { name: 'Older' })
  while ((await older.count()) > 0) {
    await older.click()
    await browser.page.waitForTimeout(30)
  }
  const heap: number[] = []
  const resident: number[] = []
  for (let run = 0; run < bench.runs; run++) {
    const now = await browser.memory()
    heap.push(now.heap / 1e6)
    resident.push(now.resident / 1e6)
    await browser.page.waitForTimeout(500)
  }
  const what = `after a log of ${lines.toLocaleString('en')} lines`
  return [
    { what: `memory of the page’s scripts ${what}`, unit: 'MB', samples: heap },
    { what: `memory of the page’s process ${what}`, unit: 'MB', samples: resident, target: { atMost: 250 } },
  ]
}

/** The process with the station. */
class Station {
  readonly url: string
  readonly #child: ReturnType<typeof fork>

  private constructor(child: ReturnType<typeof fork>, url: string) {
    this.#child = child
    this.url = url
  }

  static async start(): Promise<Station> {
    const child = fork(join(import.meta.dirname, 'ui-station.ts'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const word = await nextWord(child)
    if (!('url' in word)) throw new Error('the station did not say where it is')
    return new Station(child, word.url)
  }

  async tell(order: StationOrder): Promise<{ readonly jobs: number; readonly failed: number }> {
    const answer = nextWord(this.#child)
    this.#child.send(order)
    const word = await answer
    if ('url' in word) throw new Error('the station has started again')
    return word
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.send({ do: 'end' } satisfies StationOrder)
    await ended
  }
}

async function nextWord(child: ReturnType<typeof fork>): Promise<StationWord> {
  const ended = new AbortController()
  try {
    const exit = once(child, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('the station’s process has ended')
    })
    const [word] = await Promise.race([once(child, 'message', { signal: ended.signal }), exit])
    return word as StationWord
  } finally {
    ended.abort()
  }
}
