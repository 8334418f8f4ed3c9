// (j) EDL: how busy the host keeps a fast simulated link, from a raw image and from a payload; its memory; what a re-flash moves.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { findTool } from '../tools.ts'
import { RACE, RACE_WORDS } from '../usb-guest/setup.ts'
import { BareDecoders } from './bare-decoders.ts'
import { EdlHost, type EdlOrder, type EdlRun } from './edl-host.ts'
import { reflashed } from './edl-reflash.ts'
import { operationsOf, programPayload, timed } from './expand-payload.ts'
import {
  type BenchCase,
  type BenchContext,
  GIB,
  MIB,
  median,
  megabytesPerSecond,
  type Outcome,
  type Series,
} from './measurement.ts'
import { runProgram } from './programs.ts'
import { cached, writeMixedImage } from './test-files.ts'

export const edlHost: BenchCase = {
  name: 'edl',
  title: '(j) EDL: images through Firehose to a simulated terminal',
  measure,
}

/** What the fastest cables and storages of terminals do. */
const BYTES_PER_SECOND = 400e6
const MEMORY_TARGET = { atMost: 300 }

async function measure(bench: BenchContext): Promise<Outcome> {
  const [xz, bzip2] = [findTool('xz'), findTool('bzip2')]
  if (xz === undefined) return { kind: 'not-measured', reason: 'xz is not installed' }
  if (bzip2 === undefined) return { kind: 'not-measured', reason: 'bzip2 is not installed' }
  const raw = await rawImage(bench)
  const payload = await programPayload(bench, { xz, bzip2 })
  const orders = {
    raw: order({ kind: 'raw', path: raw.path }, { system: raw.size }),
    payload: order({ kind: 'package', path: payload.path }, payload.sizes),
  }
  return {
    kind: 'measured',
    notes: [
      `a raw image of ${raw.size / MIB} MiB, and a payload of ${payload.total / MIB} MiB as in (b), over a link of`,
      `${BYTES_PER_SECOND / 1e6} MB/s to a terminal that holds another build, in a thread of its own; what was written was`,
      'byte-exact',
      ...(bench.guest ? await besideQdl(bench) : []),
    ],
    series: [
      ...(await fromRawImage(bench, orders.raw)),
      ...(await fromPayload(bench, orders.payload)),
      ...(await memory(bench, 'raw image', orders.raw)),
      ...(await memory(bench, 'payload', orders.payload)),
      ...(await reflashed(bench)),
    ],
  }
}

async function rawImage(bench: BenchContext): Promise<{ readonly path: string; readonly size: number }> {
  const size = bench.quick ? 96 * MIB : GIB
  const path = await cached(bench.cache, `mixed-${size}.img`, (to) => writeMixedImage(to, size))
  return { path, size }
}

function order(source: EdlOrder['source'], sizes: EdlOrder['sizes']): EdlOrder {
  return { source, sizes, bytesPerSecond: BYTES_PER_SECOND, forgetful: false }
}

async function withHost<T>(o: EdlOrder, work: (host: EdlHost) => Promise<T>): Promise<T> {
  const host = await EdlHost.start(o)
  try {
    return await work(host)
  } finally {
    await host.stop()
  }
}

async function fromRawImage(bench: BenchContext, o: EdlOrder): Promise<Series[]> {
  const { runs, again } = await withHost(o, async (host) => {
    await host.write({ spoil: true, check: true })
    const made: EdlRun[] = []
    for (let run = 0; run < bench.runs; run++) {
      made.push((await host.write({ spoil: true, check: false })).run)
      bench.note(`raw image: ${words(made.at(-1))}`)
    }
    return { runs: made, again: (await host.write({ spoil: false, check: true })).run }
  })
  return [
    { what: 'raw image', unit: 'MB/s', samples: runs.map(speed) },
    { what: 'raw image: link busy, of the whole time', unit: '%', samples: runs.map(busyOfAll) },
    {
      what: 'raw image: link busy, of the time that was not the terminal’s own',
      unit: '%',
      samples: runs.map(busyOfHost),
      target: { atLeast: 95 },
    },
    { what: 'raw image: pause between transfers, median', unit: 'ms', samples: runs.map(pause) },
    { what: 'raw image, written a second time: on the wire', unit: '%', samples: [sharesOfWire(again)] },
  ]
}

async function fromPayload(bench: BenchContext, o: EdlOrder): Promise<Series[]> {
  const operations = await operationsOf(o.source.path, bench.signal)
  const expanded = operations.reduce((sum, one) => sum + one.outputBytes, 0)
  const bare = await BareDecoders.start(availableParallelism(), o.source.path, operations)
  const speeds = { ours: [] as number[], bare: [] as number[] }
  try {
    await withHost(o, async (host) => {
      for (let run = 0; run <= bench.runs; run++) {
        const { run: ours } = await host.write({ spoil: true, check: run === 0 })
        const theirs = megabytesPerSecond(expanded, await timed(() => bare.decodeAll()))
        if (run === 0) continue
        speeds.ours.push(speed(ours))
        speeds.bare.push(theirs)
        bench.note(`payload: ${speed(ours).toFixed(0)} MB/s, bare decoders ${theirs.toFixed(0)} MB/s`)
      }
    })
  } finally {
    await bare.close()
  }
  return [
    { what: 'payload', unit: 'MB/s', samples: speeds.ours },
    { what: 'payload: bare decoders', unit: 'MB/s', samples: speeds.bare },
    {
      what: 'payload: share of the medians',
      unit: '%',
      samples: [(100 * median(speeds.ours)) / median(speeds.bare)],
      target: { atLeast: 90 },
    },
    {
      what: 'payload: share pair by pair',
      unit: '%',
      samples: speeds.ours.map((one, i) => (100 * one) / (speeds.bare[i] ?? Number.NaN)),
    },
  ]
}

/** Both flash one package in the USB guest. Everything is emulated there, so its times say nothing but how the two compare. */
async function besideQdl({ signal }: BenchContext): Promise<readonly string[]> {
  const guest = join(import.meta.dirname, '../usb-guest/run.ts')
  const { stdout } = await runProgram(process.execPath, [guest, RACE], { signal })
  const words = stdout.split('\n').filter((line) => line.startsWith(RACE_WORDS))
  return words.length > 0 ? words : [`${RACE_WORDS}not run: ${stdout.trim().split('\n').at(-1)}`]
}

/** A process for each run, because the highest memory of a process never falls. */
async function memory(bench: BenchContext, what: string, o: EdlOrder): Promise<Series[]> {
  const [idle, above]: [number[], number[]] = [[], []]
  for (let run = 0; run < bench.runs; run++)
    await withHost({ ...o, forgetful: true }, async (host) => {
      const { peakBytes } = await host.write({ spoil: false, check: false })
      idle.push(host.idleBytes / 1e6)
      above.push((peakBytes - host.idleBytes) / 1e6)
      bench.note(`${what}: idle ${idle.at(-1)?.toFixed(0)} MB, then ${above.at(-1)?.toFixed(0)} MB more`)
    })
  return [
    { what: `${what}: memory, idle`, unit: 'MB', samples: idle },
    { what: `${what}: memory, above idle`, unit: 'MB', samples: above, target: MEMORY_TARGET },
  ]
}

const speed = ({ imageBytes, ms }: EdlRun) => megabytesPerSecond(imageBytes, ms)
const busyOfAll = ({ wire, ms }: EdlRun) => (100 * wire.busyMs) / ms
/** Digesting, storing more slowly than the link brings, and answering are the terminal's. */
const busyOfHost = ({ wire, ms }: EdlRun) => (100 * wire.busyMs) / (ms - wire.lateMs - wire.answeringMs)
const pause = ({ wire }: EdlRun) => median(wire.pausesMs)
const sharesOfWire = ({ wire, imageBytes }: EdlRun) => (100 * wire.bytes) / imageBytes

function words(run: EdlRun | undefined): string {
  if (run === undefined) return 'nothing'
  const { wire, ms } = run
  const parts = [`carrying ${wire.busyMs.toFixed(0)}`, `terminal late ${wire.lateMs.toFixed(0)}`]
  const rest = ms - wire.busyMs - wire.lateMs - wire.answeringMs
  parts.push(`answering ${wire.answeringMs.toFixed(0)}`, `host ${rest.toFixed(0)}`)
  return `${ms.toFixed(0)} ms (${parts.join(', ')})`
}
