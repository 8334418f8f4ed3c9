// (a) The same raw image sent to the same simulated terminal over TCP, by Slotbench and by Google's fastboot in turn.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
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
  const google: Send = async () =>
    (await runProgram(fastboot, ['-s', endpoint, 'flash', TARGET, image], { signal })).ms
  try {
    for (const send of [slotbench, google]) {
      await terminal.smudge(TARGET)
      await send()
      if ((await terminal.digest(TARGET)) !== digest) throw new Error('the terminal holds something else')
    }
    return await inTurns(bench, slotbench, google)
  } finally {
    await terminal.stop()
  }
}

interface Times {
  readonly ours: readonly number[]
  readonly theirs: readonly number[]
}

async function inTurns(bench: BenchContext, slotbench: Send, google: Send): Promise<Times> {
  const times = { ours: [] as number[], theirs: [] as number[] }
  for (let run = 0; run < bench.runs; run++) {
    times.ours.push(await slotbench())
    times.theirs.push(await google())
    bench.note(
      `Slotbench ${times.ours.at(-1)?.toFixed(0)} ms, fastboot ${times.theirs.at(-1)?.toFixed(0)} ms`,
    )
  }
  return times
}

function compared(size: number, link: string, times: Times): Series[] {
  const ours = times.ours.map((ms) => megabytesPerSecond(size, ms))
  const theirs = times.theirs.map((ms) => megabytesPerSecond(size, ms))
  const ratio = [median(ours) / median(theirs)]
  return [
    { what: `${link}: Slotbench`, unit: 'MB/s', samples: ours },
    { what: `${link}: Google fastboot`, unit: 'MB/s', samples: theirs },
    { what: `${link}: ratio of the medians`, unit: '×', samples: ratio, target: { atLeast: 1 } },
    { what: `${link}: ratio pair by pair`, unit: '×', samples: pairRatios(ours, theirs) },
  ]
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 4 * MIB }), hash)
  return hash.digest('hex')
}
