// (e) The same OTA package sideloaded into the same simulated terminal over TCP, by Slotbench and by Google's adb in turn.
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeBuild } from '../../src/simulator/make-images.ts'
import { writeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { findTool } from '../tools.ts'
import { GoogleAdb } from './google-adb.ts'
import {
  type BenchCase,
  type BenchContext,
  MIB,
  median,
  megabytesPerSecond,
  type Outcome,
  pairRatios,
  type Series,
} from './measurement.ts'
import { runProgram } from './programs.ts'
import { sideloadPackage } from './sideload-client.ts'
import { BenchTerminal } from './terminal.ts'
import { NEW_BUILD, terminalProfile } from './terminal-profile.ts'
import { cached, noiseImage } from './test-files.ts'

const SENDER = join(import.meta.dirname, 'sideload-process.ts')
const TARGET = 'system_b'
const INSTALLED = 'Install from ADB complete (status: 0).'

export const sideloadOta: BenchCase = {
  name: 'sideload',
  title: '(e) An OTA package sideloaded over TCP into a simulated terminal',
  measure,
}

/** How long each way took, in ms, run by run. */
interface Times {
  readonly process: number[]
  readonly running: number[]
  readonly google: number[]
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const adb = findTool('adb')
  if (adb === undefined) return { kind: 'not-measured', reason: 'adb is not installed' }
  const size = (bench.quick ? 32 : 512) * MIB
  const path = await cached(bench.cache, `noise-${size}.zip`, (path) => makePackage(path, size, bench.signal))
  const terminal = await BenchTerminal.start({
    ...{ sizes: { system: size }, bootable: true, forgetful: false, speaks: 'adb' },
  })
  const google = await GoogleAdb.start(adb, bench.signal)
  try {
    const lane = new Lane(bench, { terminal, google, path, digest: await digestOfNoise(size) })
    return compared(path, await lane.inTurns())
  } finally {
    await google.stop()
    await terminal.stop()
  }
}

interface Subject {
  readonly terminal: BenchTerminal
  readonly google: GoogleAdb
  readonly path: string
  readonly digest: string
}

/** The ways to sideload, each into a terminal that was just put into sideload mode and whose target was spoilt. */
class Lane {
  readonly #bench: BenchContext
  readonly #subject: Subject

  constructor(bench: BenchContext, subject: Subject) {
    this.#bench = bench
    this.#subject = subject
  }

  async inTurns(): Promise<Times> {
    const times: Times = { process: [], running: [], google: [] }
    for (let run = 0; run <= this.#bench.runs; run++) {
      const [process, running] = [await this.#process(), await this.#running()]
      const google = await this.#google()
      if (run === 0) continue
      times.process.push(process)
      times.running.push(running)
      times.google.push(google)
      const shown = [process, running, google].map((ms) => ms.toFixed(0))
      this.#bench.note(`Slotbench ${shown[0]} ms, in a running process ${shown[1]} ms, adb ${shown[2]} ms`)
    }
    return times
  }

  /** A process of its own, from its start to its end. */
  async #process(): Promise<number> {
    const { terminal, path } = this.#subject
    const { signal, cache } = this.#bench
    // As the product's launcher does (bin/slotbench.js): modules are compiled once.
    const env = { NODE_COMPILE_CACHE: join(cache, 'compiled') }
    const args = [SENDER, String(terminal.port), path, cache]
    return await this.#proven(async () => (await runProgram(process.execPath, args, { signal, env })).ms)
  }

  /** Within this process, as a bench that serves one terminal after the other: connecting, facts, package, hanging up. */
  async #running(): Promise<number> {
    const { terminal, path } = this.#subject
    return await this.#proven(async () => {
      const startedAt = performance.now()
      await sideloadPackage({ port: terminal.port, path, dataFolder: this.#bench.cache })
      return performance.now() - startedAt
    })
  }

  /** A process of its own; its server runs and is connected before the clock starts. */
  async #google(): Promise<number> {
    const { terminal, google, path } = this.#subject
    return await this.#proven(async () => {
      await google.connect(terminal.port, 'sideload')
      const { ms } = await google.sideload(terminal.port, path)
      await google.disconnect()
      return ms
    })
  }

  /** Whatever a client says, the terminal has to have installed it to the byte. */
  async #proven(sideload: () => Promise<number>): Promise<number> {
    const { terminal, digest } = this.#subject
    await terminal.smudge(TARGET)
    await terminal.enterSideload()
    const ms = await sideload()
    const { screen = [], activeSlot } = await terminal.outcome()
    if (!screen.includes(INSTALLED) || activeSlot !== 'b')
      throw new Error(`the terminal did not install the package:\n${screen.join('\n')}`)
    if ((await terminal.digest(TARGET)) !== digest) throw new Error('the terminal holds something else')
    return ms
  }
}

async function compared(path: string, times: Times): Promise<Outcome> {
  const { size } = await stat(path)
  const speeds = (ms: readonly number[]) => ms.map((one) => megabytesPerSecond(size, one))
  const [process, running, google] = [times.process, times.running, times.google].map(speeds) as [
    number[],
    number[],
    number[],
  ]
  const against = (what: string, ours: readonly number[]): Series[] => [
    {
      what: `${what}: ratio of the medians`,
      unit: '×',
      samples: [median(ours) / median(google)],
      target: { atLeast: 1 },
    },
    { what: `${what}: ratio pair by pair`, unit: '×', samples: pairRatios(ours, google) },
  ]
  return {
    kind: 'measured',
    notes: [
      `${(size / MIB).toFixed(0)} MiB, noise in REPLACE operations; in turns after one warm-up each; the terminal verified and`,
      'installed every one, byte-exact. MB/s of the package, from the start of the command to its verdict',
    ],
    series: [
      { what: 'Slotbench, a process of its own', unit: 'MB/s', samples: process },
      { what: 'Slotbench, in a running process', unit: 'MB/s', samples: running },
      { what: 'Google adb, its server running', unit: 'MB/s', samples: google },
      ...against('process of its own', process),
      ...against('running process', running),
    ],
  }
}

const IMAGE = 'sideloaded image'

/** A build whose `system` is noise, as it is: what the terminal does with the data is digesting and writing. */
async function makePackage(out: string, size: number, signal: AbortSignal): Promise<void> {
  const profile = terminalProfile({ sizes: { system: size } })
  const build = new Map(await makeBuild(profile, { ...NEW_BUILD, securityPatch: '2026-02-01' }))
  build.set('system', { size, image: noiseImage(IMAGE, size) })
  const operations = { compress: ['replace'] } as const
  const words = { build: NEW_BUILD.build, securityPatch: '2026-02-01' }
  await writeRom(profile, build, { ...words, out, kind: 'ota-zip', operations, signal })
}

async function digestOfNoise(size: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const extent of noiseImage(IMAGE, size).extents({ signal: new AbortController().signal }))
    if (extent.kind === 'data') hash.update(extent.bytes)
  return hash.digest('hex')
}
