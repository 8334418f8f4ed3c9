// (g) Is a full OTA package genuine? Opened, and every digest, hash tree and signature checked, beside plain SHA-256 on all cores over as
// many bytes as were hashed for it.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { coveredBytes } from '../../src/main/core/formats/stream-digests.ts'
import { openRom } from '../../src/main/core/rom/open.ts'
import { verifyRom } from '../../src/main/core/rom/verify.ts'
import { parseAnchor } from '../../src/main/core/trust/anchors.ts'
import { judge } from '../../src/main/core/trust/verdict.ts'
import type { Workshop } from '../../src/main/core/workshop.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { openFolder } from '../../src/main/io/files/open-folder.ts'
import { createWorkshop } from '../../src/main/io/workers/workshop.ts'
import { makeBuild } from '../../src/simulator/make-images.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import { writeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { OTA_TEST_CERTIFICATE } from '../../src/simulator/rom-factory/ota-test-key.ts'
import {
  type BenchCase,
  type BenchContext,
  GIB,
  MIB,
  median,
  megabytesPerSecond,
  type Outcome,
} from './measurement.ts'
import { cached } from './test-files.ts'

export const trustOta: BenchCase = {
  name: 'trust',
  title: '(g) Whether a full OTA package is genuine',
  measure,
}

/** Shares of the package, as phones have them. */
const SHARES = { system: 1 / 2, vendor: 1 / 4, product: 3 / 16, modem: 1 / 32, boot: 1 / 32 }
const BUILD = { build: 'bench', rollbackIndex: 2, seed: 3, fill: 1 }

async function measure(bench: BenchContext): Promise<Outcome> {
  const size = bench.quick ? 128 * MIB : 4 * GIB
  const path = await cached(bench.cache, `signed-${size}.zip`, (path) => {
    bench.note('making the package; this takes minutes, once')
    return makePackage(path, size, bench.signal)
  })
  const width = availableParallelism()
  const workshop = new CountingWorkshop(createWorkshop({ width }))
  const bare = await BareHashers.start(width)
  const times = { ours: [] as number[], bare: [] as number[] }
  try {
    for (let run = 0; run <= bench.runs; run++) {
      workshop.hashed = 0
      const ours = await timed(() => verified(path, workshop.counting, bench.signal))
      const theirs = await timed(() => bare.hash(workshop.hashed))
      if (run === 0) continue
      times.ours.push(ours)
      times.bare.push(theirs)
      bench.note(`Slotbench ${ours.toFixed(0)} ms, plain SHA-256 ${theirs.toFixed(0)} ms`)
    }
  } finally {
    await bare.close()
    await workshop.inner.close()
  }
  return compared(size, workshop.hashed, times)
}

async function makePackage(path: string, size: number, signal: AbortSignal): Promise<void> {
  const sizes = Object.fromEntries(
    Object.entries(SHARES).map(([name, share]) => [name, Math.round((size * share) / MIB) * MIB]),
  )
  const terminal = profile('nx679j', { sizes })
  const build = await makeBuild(terminal, BUILD)
  // Nothing to expand: what is measured here is hashing; (b) measures expanding.
  await writeRom(terminal, build, {
    ...{ kind: 'ota-zip', out: path, build: BUILD.build, signal },
    operations: { compress: ['replace'] },
  })
}

async function verified(path: string, workshop: Workshop, signal: AbortSignal): Promise<void> {
  const { kind, data, fingerprint } = parseAnchor(Buffer.from(OTA_TEST_CERTIFICATE))
  const anchor = {
    kind,
    fingerprint,
    data: Buffer.from(data).toString('base64'),
    name: 'Maker',
    addedAt: '',
    addedBy: '',
  }
  const rom = await openRom(path, { openFile, openFolder, workshop }, signal)
  try {
    const { evidence } = await verifyRom(rom, { signal, workshop })
    const { verdict, summary } = judge(evidence, [anchor])
    if (verdict !== 'genuine') throw new Error(summary)
  } finally {
    await rom.close()
  }
}

/** Counts what is hashed: each byte as often as it goes into a digest. */
class CountingWorkshop {
  hashed = 0
  readonly inner: Workshop
  readonly counting: Workshop

  constructor(inner: Workshop) {
    this.inner = inner
    this.counting = {
      width: inner.width,
      decode: (job, signal) => {
        if (job.inputSha256 !== undefined) this.hashed += job.inputBytes
        return inner.decode(job, signal)
      },
      sha256: (bytes) => {
        this.hashed += bytes.length
        return inner.sha256(bytes)
      },
      hasher: () => inner.hasher(),
      digester: (specs, size) => {
        for (const spec of specs) this.hashed += coveredBytes(spec, size)
        return inner.digester(specs, size)
      },
      close: () => inner.close(),
    }
  }
}

class BareHashers {
  readonly #workers: readonly Worker[]

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers
  }

  static async start(width: number): Promise<BareHashers> {
    const url = new URL('./bare-hash-thread.ts', import.meta.url)
    const workers = Array.from({ length: width }, () => new Worker(url))
    await Promise.all(workers.map((worker) => once(worker, 'online')))
    return new BareHashers(workers)
  }

  /** `bytes` in all, the same share on every thread. */
  async hash(bytes: number): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        worker.postMessage(Math.ceil(bytes / this.#workers.length))
        await once(worker, 'message')
      }),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function compared(
  size: number,
  hashed: number,
  times: { readonly ours: readonly number[]; readonly bare: readonly number[] },
): Outcome {
  const ours = times.ours.map((ms) => megabytesPerSecond(hashed, ms))
  const bare = times.bare.map((ms) => megabytesPerSecond(hashed, ms))
  return {
    kind: 'measured',
    notes: [
      `${size / MIB} MiB of images in REPLACE operations, signed zip and payload; ${(hashed / MIB).toFixed(0)} MiB hashed: the zip,`,
      'FILE_HASH, the payload’s signature, every operation, every image, hash and hash tree of verified boot. The file is in',
      'the page cache. Plain: as many bytes in memory, the same share on each core',
    ],
    series: [
      { what: 'Slotbench: bytes hashed', unit: 'MB/s', samples: ours },
      { what: 'plain SHA-256 on all cores', unit: 'MB/s', samples: bare },
      {
        what: 'share of the medians',
        unit: '%',
        samples: [(100 * median(ours)) / median(bare)],
        target: { atLeast: 80 },
      },
      { what: 'share pair by pair', unit: '%', samples: ours.map((one, i) => (100 * one) / (bare[i] ?? 0)) },
      {
        what: 'package per second',
        unit: 'MB/s',
        samples: times.ours.map((ms) => megabytesPerSecond(size, ms)),
      },
    ],
  }
}
