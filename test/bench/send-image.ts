// (a) The same raw image sent to the same simulated terminal over TCP, by Slotbench and by Google's fastboot in turn.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createWorkshop } from '../../src/main/io/workers/workshop.ts'
import { findTool } from '../tools.ts'
import {
  type BenchCase,
  type BenchContext,
  GIB,
  MIB,
  median,
  megabytesPerSecond,
  type Outcome,
  pairRatios,
  type Series,
} from './measurement.ts'
import { runProgram } from './programs.ts'
import { sendImageFile } from './send-image-client.ts'
import { BenchTerminal } from './terminal.ts'
import { cached, writeMixedImage } from './test-files.ts'

const TARGET = 'system_b'
const SENDER = join(import.meta.dirname, 'send-image-process.ts')

export const sendImage: BenchCase = {
  name: 'send',
  title: '(a) An image over TCP to a simulated terminal',
  measure,
}

type Send = () => Promise<number>

/** Without a limit the host's processor is the limit, far beyond any terminal; USB 3 at 5 Gbit/s carries somewhat more than
 * 300 MB/s in practice, USB 2 about 38. */
const LINKS = [
  { what: 'link without limit', bytesPerSecond: undefined },
  { what: 'link of 300 MB/s', bytesPerSecond: 300e6 },
] as const

interface Subject {
  readonly fastboot: string
  readonly image: string
  readonly size: number
  readonly digest: string
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const fastboot = findTool('fastboot')
  if (fastboot === undefined) return { kind: 'not-measured', reason: 'fastboot is not installed' }
  const size = bench.quick ? 96 * MIB : GIB
  const image = await cached(bench.cache, `mixed-${size}.img`, (path) => writeMixedImage(path, size))
  const subject = { fastboot, image, size, digest: await fileDigest(image) }
  const series: Series[] = []
  for (const link of LINKS) series.push(...compared(size, link.what, await overLink(bench, subject, link)))
  return {
    kind: 'measured',
    notes: [
      `${size / MIB} MiB, 60 % noise and 40 % zeros in runs; whole processes, in turns after one warm-up each;`,
      'what each of them wrote was byte-exact',
    ],
    series,
  }
}

/** A link that the terminal slows down, or not. */
async function overLink(bench: BenchContext, subject: Subject, link: (typeof LINKS)[number]): Promise<Times> {
  const { fastboot, image, size, digest } = subject
  const { bytesPerSecond } = link
  const limit = bytesPerSecond === undefined ? {} : { bytesPerSecond }
  const terminal = await BenchTerminal.start({
    ...{ sizes: { system: size }, bootable: false, forgetful: false },
    ...limit,
  })
  const { endpoint } = terminal
  const { signal } = bench
  // As the product's launcher does (bin/slotbench.js): modules are compiled once.
  const env = { NODE_COMPILE_CACHE: join(bench.cache, 'compiled') }
  const slotbench: Send = async () =>
    (await runProgram(process.execPath, [SENDER, endpoint, TARGET, image], { signal, env })).ms
  // As on a bench that runs all day and serves one terminal after the other.
  const workshop = createWorkshop()
  const running: Send = async () => {
    const startedAt = performance.now()
    await sendImageFile({ endpoint, partition: TARGET, path: image }, workshop)
    return performance.now() - startedAt
  }
  const google: Send = async () =>
    (await runProgram(fastboot, ['-s', endpoint, 'flash', TARGET, image], { signal })).ms
  try {
    for (const send of [slotbench, running, google]) {
      await terminal.smudge(TARGET)
      await send()
      if ((await terminal.digest(TARGET)) !== digest) throw new Error('the terminal holds something else')
    }
    return await inTurns(bench, { process: slotbench, running, google })
  } finally {
    await workshop.close()
    await terminal.stop()
  }
}

const WAYS = ['process', 'running', 'google'] as const
/** In ms, run by run. */
type Times = Readonly<Record<(typeof WAYS)[number], number[]>>

async function inTurns(bench: BenchContext, ways: Readonly<Record<keyof Times, Send>>): Promise<Times> {
  const times: Times = { process: [], running: [], google: [] }
  for (let run = 0; run < bench.runs; run++) {
    for (const way of WAYS) times[way].push(await ways[way]())
    const shown = WAYS.map((way) => times[way].at(-1)?.toFixed(0))
    bench.note(`Slotbench ${shown[0]} ms, in a running process ${shown[1]} ms, fastboot ${shown[2]} ms`)
  }
  return times
}

function compared(size: number, link: string, times: Times): Series[] {
  const speeds = (ms: readonly number[]) => ms.map((one) => megabytesPerSecond(size, one))
  const google = speeds(times.google)
  const against = (what: string, ours: readonly number[]): Series[] => [
    { what: `${link}: Slotbench, ${what}`, unit: 'MB/s', samples: ours },
    {
      what: `${link}: ${what}: ratio of the medians`,
      unit: '×',
      samples: [median(ours) / median(google)],
      target: { atLeast: 1 },
    },
    { what: `${link}: ${what}: ratio pair by pair`, unit: '×', samples: pairRatios(ours, google) },
  ]
  return [
    { what: `${link}: Google fastboot`, unit: 'MB/s', samples: google },
    ...against('a process of its own', speeds(times.process)),
    ...against('in a running process', speeds(times.running)),
  ]
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 4 * MIB }), hash)
  return hash.digest('hex')
}
