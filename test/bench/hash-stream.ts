// (c) SHA-256 of a file as verification computes it, beside sha256sum on the same file, which the system has in memory.
import { byteSourceImage } from '../../src/main/core/formats/raw-image.ts'
import { sha256OfImage } from '../../src/main/core/rom/verify.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { createWorkshop } from '../../src/main/io/workers/workshop.ts'
import { findTool } from '../tools.ts'
import {
  type BenchCase,
  type BenchContext,
  GIB,
  MIB,
  megabytesPerSecond,
  type Outcome,
  pairRatios,
} from './measurement.ts'
import { runProgram } from './programs.ts'
import { cached, writeMixedImage } from './test-files.ts'

export const hashStream: BenchCase = { name: 'hash', title: '(c) SHA-256 of a stream', measure }

interface Digested {
  readonly ms: number
  readonly digest: string
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const sha256sum = findTool('sha256sum')
  if (sha256sum === undefined) return { kind: 'not-measured', reason: 'sha256sum is not installed' }
  const size = bench.quick ? 96 * MIB : GIB
  const path = await cached(bench.cache, `mixed-${size}.img`, (path) => writeMixedImage(path, size))
  const file = await openFile(path)
  const workshop = createWorkshop()
  const { signal } = bench
  const ours = async (): Promise<Digested> => {
    const startedAt = performance.now()
    const digest = await sha256OfImage(byteSourceImage(file), { signal, workshop, onBytes: () => {} })
    return { ms: performance.now() - startedAt, digest }
  }
  const theirs = async (): Promise<Digested> => {
    const { ms, stdout } = await runProgram(sha256sum, [path], { signal })
    return { ms, digest: stdout.slice(0, 64) }
  }
  const speeds = { ours: [] as number[], theirs: [] as number[] }
  try {
    for (let run = 0; run <= bench.runs; run++) {
      const [one, other] = [await ours(), await theirs()]
      if (one.digest !== other.digest) throw new Error(`${one.digest} here, ${other.digest} from sha256sum`)
      if (run === 0) continue
      speeds.ours.push(megabytesPerSecond(size, one.ms))
      speeds.theirs.push(megabytesPerSecond(size, other.ms))
    }
  } finally {
    await workshop.close()
    await file.close()
  }
  return {
    kind: 'measured',
    notes: [
      `${size / MIB} MiB in the page cache; Slotbench within its process, sha256sum as a whole process`,
    ],
    series: [
      { what: 'Slotbench', unit: 'MB/s', samples: speeds.ours },
      { what: 'sha256sum', unit: 'MB/s', samples: speeds.theirs },
      { what: 'ratio pair by pair', unit: '×', samples: pairRatios(speeds.ours, speeds.theirs) },
    ],
  }
}
