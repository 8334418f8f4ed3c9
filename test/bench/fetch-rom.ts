// (h) A ROM fetched from the repository's own server on loopback, by Slotbench and by curl in turn.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { targetFile } from '../../src/main/repository/format.ts'
import { randomBytesAt } from '../../src/simulator/randomness.ts'
import { TestRepository } from '../firmware-repository.ts'
import { BenchClient } from '../repository/bench-client.ts'
import { findTool } from '../tools.ts'
import {
  type BenchCase,
  type BenchContext,
  MIB,
  median,
  megabytesPerSecond,
  type Outcome,
  pairRatios,
} from './measurement.ts'
import { runProgram } from './programs.ts'
import { cached } from './test-files.ts'

export const fetchFromLoopback: BenchCase = {
  name: 'fetch',
  title: '(h) A ROM fetched from a server on loopback',
  measure,
}

const SERVER = join(import.meta.dirname, 'repository-server.ts')
const NAME = 'noise.zip'

async function measure(bench: BenchContext): Promise<Outcome> {
  const curl = findTool('curl')
  if (curl === undefined) return { kind: 'not-measured', reason: 'curl is not installed' }
  const size = (bench.quick ? 64 : 2048) * MIB
  const path = await cached(bench.cache, `noise-${size}.bin`, (path) => writeNoise(path, size))
  const repository = await TestRepository.create()
  const source = await openFile(path)
  let server: ChildProcess | undefined
  try {
    await repository.stageSource(NAME, source)
    await repository.publish()
    server = spawn(process.execPath, [SERVER, repository.folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = await once(server.stdout ?? process.stdin, 'data')
    const times = await inTurns(bench, { url: String(said).trim(), repository, curl })
    return compared(size, times)
  } finally {
    server?.kill('SIGTERM')
    await source.close()
    await repository.close()
  }
}

interface Subject {
  readonly url: string
  readonly repository: TestRepository
  readonly curl: string
}

/** Milliseconds of each way, run by run, after one warm-up. Each writes a new file into the same folder. */
async function inTurns(bench: BenchContext, { url, repository, curl }: Subject) {
  const times = { slotbench: [] as number[], curl: [] as number[] }
  for (let run = 0; run <= bench.runs; run++) {
    const client = await BenchClient.create(join(repository.public, 'metadata', '1.root.json'))
    try {
      const [rom] = (await client.refresh(url)).roms
      if (rom === undefined) throw new Error('the server lists nothing')
      const startedAt = performance.now()
      await client.fetch(rom, [url], { signal: bench.signal })
      const own = performance.now() - startedAt
      const out = join(client.folder, 'curl.bin')
      const { ms } = await runProgram(curl, ['-sf', '-o', out, `${url}${targetFile(rom.target)}`], bench)
      await rm(out)
      bench.note(`Slotbench ${own.toFixed(0)} ms, curl ${ms.toFixed(0)} ms`)
      if (run === 0) continue
      times.slotbench.push(own)
      times.curl.push(ms)
    } finally {
      await client.close()
    }
  }
  return times
}

function compared(size: number, times: { readonly slotbench: number[]; readonly curl: number[] }): Outcome {
  const speeds = (ms: readonly number[]) => ms.map((one) => megabytesPerSecond(size, one))
  const [own, curl] = [speeds(times.slotbench), speeds(times.curl)]
  return {
    kind: 'measured',
    notes: [
      `${size / MIB} MiB of noise; in turns after one warm-up each. Slotbench, in a running process: index, every chunk and the`,
      'whole file checked, data flushed to the disk and journalled; curl: a process of its own that writes the file',
    ],
    series: [
      { what: 'Slotbench', unit: 'MB/s', samples: own },
      { what: 'curl', unit: 'MB/s', samples: curl },
      {
        what: 'ratio of the medians',
        unit: '×',
        samples: [median(own) / median(curl)],
        target: { atLeast: 0.8 },
      },
      { what: 'ratio pair by pair', unit: '×', samples: pairRatios(own, curl) },
    ],
  }
}

async function writeNoise(path: string, size: number): Promise<void> {
  const file = await open(path, 'w')
  const piece = new Uint8Array(8 * MIB)
  try {
    for (let at = 0; at < size; at += piece.length) {
      randomBytesAt('fetched ROM', at, piece)
      await file.write(piece, 0, Math.min(piece.length, size - at), at)
    }
  } finally {
    await file.close()
  }
}
