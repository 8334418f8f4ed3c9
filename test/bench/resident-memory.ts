// (d) The memory of the whole command line while it flashes a large ROM, above that of one that has only opened it.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBuild } from '../../src/simulator/make-images.ts'
import { type Compressors, programCompressor } from '../../src/simulator/rom-factory/compressors.ts'
import { writeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { findTool } from '../tools.ts'
import {
  type BenchCase,
  type BenchContext,
  GIB,
  MIB,
  median,
  type Outcome,
  type Series,
} from './measurement.ts'
import { runProgram } from './programs.ts'
import { BenchTerminal } from './terminal.ts'
import { NEW_BUILD, terminalProfile } from './terminal-profile.ts'
import { cached, compressibleImage } from './test-files.ts'

export const residentMemory: BenchCase = {
  name: 'memory',
  title: '(d) Resident memory of the command line while flashing, above idle',
  measure,
}

const CLI = join(import.meta.dirname, '../../src/main/hosts/cli/index.ts')
const IDLE = join(import.meta.dirname, 'idle-process.ts')
const NOTE_PEAK = new URL('./note-peak.ts', import.meta.url).href

/** Shares of the ROM's size. */
const SHARES = { system: 1 / 2, vendor: 5 / 16, product: 3 / 16 }

interface Subject {
  readonly what: string
  /** Bytes of the large images together. */
  readonly size: number
  readonly largeOperations: boolean
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const xz = findTool('xz')
  if (xz === undefined) return { kind: 'not-measured', reason: 'xz is not installed' }
  const compressors: Compressors = { xz: programCompressor(xz, ['-c', '-T1', '--check=crc32']) }
  const scale = bench.quick ? 1 / 64 : 1
  const subject = (size: number, largeOperations: boolean): Subject => ({
    what: `${size / MIB} MiB in ${largeOperations ? 'large XZ operations' : 'XZ operations of 2 MiB'}`,
    size,
    largeOperations,
  })
  const subjects = [subject(8 * GIB * scale, true), subject(GIB * scale, false)]
  const series: Series[] = []
  for (const subject of subjects) series.push(...(await flashed(subject, compressors, bench)))
  return {
    kind: 'measured',
    notes: [
      'highest resident memory of the process with all its threads, from its start over verification and flashing to',
      'its end; idle: the same program with the package open and nothing done',
    ],
    series,
  }
}

async function flashed(subject: Subject, compressors: Compressors, bench: BenchContext): Promise<Series[]> {
  const sizes = Object.fromEntries(
    Object.entries(SHARES).map(([name, share]) => [name, Math.round((subject.size * share) / MIB) * MIB]),
  )
  const kind = subject.largeOperations ? 'large' : 'small'
  const rom = await cached(bench.cache, `${kind}-${subject.size}.zip`, (path) => {
    bench.note(`making the ROM (${subject.what}); this takes minutes, once`)
    return makeRom(path, sizes, { subject, compressors, signal: bench.signal })
  })
  const idle: number[] = []
  const peak: number[] = []
  for (let run = 0; run < bench.runs; run++) {
    idle.push(await idleMemory(rom, bench))
    peak.push(await flashMemory(rom, sizes, bench))
    bench.note(`${subject.what}: idle ${idle.at(-1)?.toFixed(0)} MB, peak ${peak.at(-1)?.toFixed(0)} MB`)
  }
  const above = peak.map((one) => one - median(idle))
  return [
    { what: `${subject.what}: idle`, unit: 'MB', samples: idle },
    { what: `${subject.what}: peak`, unit: 'MB', samples: peak },
    { what: `${subject.what}: above idle`, unit: 'MB', samples: above, target: { atMost: 300 } },
  ]
}

async function makeRom(
  path: string,
  sizes: Readonly<Record<string, number>>,
  o: { readonly subject: Subject; readonly compressors: Compressors; readonly signal: AbortSignal },
): Promise<void> {
  const profile = terminalProfile({ sizes })
  const small = await makeBuild(profile, NEW_BUILD)
  const large = Object.entries(sizes).map(
    ([name, size]) => [name, { size, image: compressibleImage(name, size) }] as const,
  )
  await writeRom(profile, new Map([...small, ...large]), {
    ...{ kind: 'ota-zip', out: path, build: NEW_BUILD.build, signal: o.signal },
    operations: {
      compress: ['xz'],
      compressors: o.compressors,
      largeOperations: o.subject.largeOperations,
    },
  })
}

async function idleMemory(rom: string, bench: BenchContext): Promise<number> {
  return withFolder(async (data) => {
    const { stdout } = await runProgram(process.execPath, [IDLE, rom, data], { signal: bench.signal })
    return Number(stdout.trim().split('\n').at(-1)) / 1e6
  })
}

async function flashMemory(
  rom: string,
  sizes: Readonly<Record<string, number>>,
  { signal }: BenchContext,
): Promise<number> {
  const terminal = await BenchTerminal.start({ sizes, bootable: true, forgetful: true })
  try {
    return await withFolder(async (data) => {
      const peakFile = join(data, 'peak')
      const args = ['--data', data, 'flash', rom, '--terminal', terminal.endpoint, '--yes']
      const env = { SLOTBENCH_BENCH_PEAK: peakFile }
      await runProgram(process.execPath, ['--import', NOTE_PEAK, CLI, ...args], { signal, env })
      return Number(await readFile(peakFile, 'utf8')) / 1e6
    })
  } finally {
    await terminal.stop()
  }
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-bench-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
