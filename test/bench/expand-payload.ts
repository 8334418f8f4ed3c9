// (b) A full payload of XZ and BZ operations, verified as the product does, beside the bare decoders on the same data.
import { createWriteStream } from 'node:fs'
import { availableParallelism } from 'node:os'
import { openPayload } from '../../src/main/core/formats/payload.ts'
import { openRom } from '../../src/main/core/rom/open.ts'
import { verifyRom } from '../../src/main/core/rom/verify.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { openFolder } from '../../src/main/io/files/open-folder.ts'
import { createWorkshop } from '../../src/main/io/workers/workshop.ts'
import { programCompressor } from '../../src/simulator/rom-factory/compressors.ts'
import { writePayload } from '../../src/simulator/rom-factory/payload-writer.ts'
import { findTool } from '../tools.ts'
import { BareDecoders, type BareOperation } from './bare-decoders.ts'
import {
  type BenchCase,
  type BenchContext,
  MIB,
  median,
  megabytesPerSecond,
  type Outcome,
} from './measurement.ts'
import { cached, withProgramImages } from './test-files.ts'

export const expandPayload: BenchCase = {
  name: 'expand',
  title: '(b) Expanding a full payload on all cores',
  measure,
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const [xz, bzip2] = [findTool('xz'), findTool('bzip2')]
  if (xz === undefined) return { kind: 'not-measured', reason: 'xz is not installed' }
  if (bzip2 === undefined) return { kind: 'not-measured', reason: 'bzip2 is not installed' }
  const { path, total } = await programPayload(bench, { xz, bzip2 })
  const operations = await operationsOf(path, bench.signal)
  const width = availableParallelism()
  const workshop = createWorkshop({ width })
  const bare = await BareDecoders.start(width, path, operations)
  const times = { ours: [] as number[], bare: [] as number[] }
  try {
    for (let run = 0; run <= bench.runs; run++) {
      const ours = await timed(() => verify(path, workshop, bench.signal))
      const theirs = await timed(() => bare.decodeAll())
      if (run === 0) continue
      times.ours.push(ours)
      times.bare.push(theirs)
      bench.note(`Slotbench ${ours.toFixed(0)} ms, bare decoders ${theirs.toFixed(0)} ms`)
    }
  } finally {
    await bare.close()
    await workshop.close()
  }
  return compared(total, operations, times)
}

export interface ProgramPayload {
  readonly path: string
  /** Bytes by partition. */
  readonly sizes: Readonly<Record<string, number>>
  readonly total: number
}

/** A full payload of images made of machine code, in XZ and BZ operations in turn. */
export async function programPayload(
  bench: BenchContext,
  tools: { readonly xz: string; readonly bzip2: string },
): Promise<ProgramPayload> {
  const scale = bench.quick ? 1 / 16 : 1
  const sizes = { system: 320 * MIB * scale, vendor: 128 * MIB * scale, product: 64 * MIB * scale }
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0)
  const path = await cached(bench.cache, `programs-${total}.payload`, (to) => {
    bench.note('making the payload; this takes minutes, once')
    return makePayload(to, sizes, { ...tools, signal: bench.signal })
  })
  return { path, sizes, total }
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function makePayload(
  path: string,
  sizes: Readonly<Record<string, number>>,
  tools: { readonly xz: string; readonly bzip2: string; readonly signal: AbortSignal },
): Promise<void> {
  const { xz, bzip2, signal } = tools
  const operations = {
    compress: ['xz', 'bzip2'],
    compressors: {
      xz: programCompressor(xz, ['-c', '-T1', '--check=crc32']),
      bzip2: programCompressor(bzip2, ['-c']),
    },
  } as const
  await withProgramImages(sizes, (images) =>
    writePayload(createWriteStream(path), { images, operations, maxTimestamp: 1_790_000_000, signal }),
  )
}

async function verify(path: string, workshop: ReturnType<typeof createWorkshop>, signal: AbortSignal) {
  const rom = await openRom(path, { openFile, openFolder, workshop }, signal)
  try {
    await verifyRom(rom, { signal, workshop })
  } finally {
    await rom.close()
  }
}

export async function operationsOf(path: string, signal: AbortSignal): Promise<readonly BareOperation[]> {
  const source = await openFile(path)
  try {
    const payload = await openPayload(source, signal)
    return payload.partitions.flatMap((partition) =>
      partition.operations.flatMap(({ kind, dataOffset, dataLength, outputBytes }) =>
        kind === 'xz' || kind === 'bzip2' ? [{ kind, dataOffset, dataLength, outputBytes }] : [],
      ),
    )
  } finally {
    await source.close()
  }
}

function compared(
  total: number,
  operations: readonly BareOperation[],
  times: { readonly ours: readonly number[]; readonly bare: readonly number[] },
): Outcome {
  const expanded = operations.reduce((sum, one) => sum + one.outputBytes, 0)
  const packed = operations.reduce((sum, one) => sum + one.dataLength, 0)
  const xz = operations.filter(({ kind }) => kind === 'xz').length
  const ours = times.ours.map((ms) => megabytesPerSecond(total, ms))
  const bare = times.bare.map((ms) => megabytesPerSecond(expanded, ms))
  return {
    kind: 'measured',
    notes: [
      `${total / MIB} MiB of images made of program binaries, ${(packed / MIB).toFixed(0)} MiB packed:`,
      `${xz} XZ and ${operations.length - xz} BZ operations of 2 MiB. Bare: the same libraries on as many threads, no`,
      'digests, no order, output thrown away',
    ],
    series: [
      { what: 'Slotbench: expanded, digested, in order', unit: 'MB/s', samples: ours },
      { what: 'bare decoders', unit: 'MB/s', samples: bare },
      {
        what: 'share of the medians',
        unit: '%',
        samples: [(100 * median(ours)) / median(bare)],
        target: { atLeast: 85 },
      },
      { what: 'share pair by pair', unit: '%', samples: ours.map((one, i) => (100 * one) / (bare[i] ?? 0)) },
    ],
  }
}
