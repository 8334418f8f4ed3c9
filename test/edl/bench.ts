// What the tests of brick recovery share: a dead terminal in EDL, packages of every kind for it, and what is looked at afterwards.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'vitest'
import { isProtected } from '../../src/main/core/plan/protected.ts'
import { verifyRom } from '../../src/main/core/rom/verify.ts'
import type { ErrorCode } from '../../src/shared/error-catalogue.ts'
import { type Job, RESUMABLE } from '../../src/shared/job.ts'
import type { Plan, Recipe } from '../../src/shared/plan.ts'
import type { PackageKind } from '../../src/shared/rom.ts'
import type { Slot } from '../../src/shared/units.ts'
import { loaderFor } from '../../src/simulator/edl/make-loader.ts'
import type { Fault, SimulatorHooks } from '../../src/simulator/faults.ts'
import { type Build, makeBuild } from '../../src/simulator/make-images.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
import { type RomOptions, writeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { expectOneProblem, provenSteps, sideBySide } from '../bad-terminals/bench.ts'
import { FlashBench, NEW_BUILD, openWorkplace, type SetUp, type Workplace } from '../flash-bench.ts'
import { expand, NEVER } from '../images.ts'

const KIB = 1024
const SIZES = {
  ...{ system: 256 * KIB, vendor: 128 * KIB, product: 128 * KIB, boot: 128 * KIB, vendor_boot: 64 * KIB },
  ...{ init_boot: 64 * KIB, dtbo: 64 * KIB, modem: 64 * KIB, xbl: 64 * KIB, abl: 64 * KIB },
  ...{ recovery: 64 * KIB, userdata: 512 * KIB },
}
const SLOTS = ['a', 'b'] as const

/** A model, a full OTA of the new build for it, and the images of that build for packages of other kinds. */
export interface EdlPlace extends Workplace {
  readonly build: Build
}

export async function openEdlPlace(
  id: ProfileId,
  sizes: Readonly<Record<string, number>> = {},
): Promise<EdlPlace> {
  const place = await openWorkplace(profile(id, { sizes: { ...SIZES, ...sizes } }))
  // The same as in the OTA: the same order gives the same images.
  const build = await makeBuild(place.profile, {
    ...{ build: NEW_BUILD, rollbackIndex: 2, seed: 2 },
    // Updates of terminals without slots leave the boot chain alone; packages for EDL bring it.
    firmware: true,
  })
  return { ...place, build }
}

let packages = 0

/** The workplace with an EDL package of the new build in the place of the OTA. */
export async function withPackage(
  place: EdlPlace,
  edl: RomOptions['edl'],
  o: { readonly kind?: PackageKind; readonly flavour?: string } = {},
): Promise<EdlPlace> {
  const { kind = 'edl-folder', flavour } = o
  packages += 1
  const romPath = join(place.folder, `edl ${packages}${kind === 'edl-zip' ? '.zip' : ''}`)
  await writeRom(place.profile, place.build, { out: romPath, kind, build: NEW_BUILD, ...(edl && { edl }) })
  const opened = await place.openRom(romPath, NEVER, flavour)
  try {
    const { info } = await verifyRom(opened, { signal: NEVER, workshop: place.workshop })
    return { ...place, romPath, rom: info }
  } finally {
    await opened.close()
  }
}

/** In EDL, whatever its state is. */
export async function inEdl(place: EdlPlace, setUp: SetUp = {}): Promise<FlashBench> {
  const bench = await FlashBench.open(place, {
    ...{ policy: 'rescue', adb: {}, loaders: [loaderFor(place.profile)] },
    ...setUp,
    patience: { reconnect: 15_000, ...setUp.patience },
    recipe: { proofTimeout: 30, assumedModel: place.rom.models[0] ?? place.profile.product, ...setUp.recipe },
  })
  bench.terminal.cutPower()
  await bench.terminal.powerOn({ keys: 'edl' })
  return bench
}

/** Neither slot boots, and the boot ROM is all that is left. */
export async function dead(place: EdlPlace, setUp: SetUp = {}): Promise<FlashBench> {
  const bench = await inEdl(place, setUp)
  const slots = place.profile.slotScheme === 'none' ? [''] : SLOTS.map((slot) => `_${slot}`)
  for (const slot of slots)
    await bench.terminal.writePartitionRaw(`abl${slot}`, new Uint8Array(4096).fill(0xee))
  expect((await bench.terminal.wouldBoot()).verdict).not.toBe('booted')
  return bench
}

export async function planned(bench: FlashBench, more: Partial<Recipe> = {}): Promise<Plan> {
  const plan = await bench.plan(more)
  expect(plan.blockers).toEqual([])
  return plan
}

/** Runs the plan to its end. */
export async function carriedOut(bench: FlashBench, plan: Plan): Promise<Job> {
  const job = await bench.run(bench.engine().create(plan).id)
  expect([job.state, job.problem?.code, job.problem?.detail]).toEqual(['done', undefined, undefined])
  return job
}

/** Digests of what belongs to the terminal alone. */
export async function ownContent({ terminal }: FlashBench): Promise<Readonly<Record<string, string>>> {
  const names = terminal.profile.partitions.map(({ name }) => name).filter(isProtected)
  expect(names).toContain('modemst1')
  const digests = names.map(async (name) => [name, await terminal.partitionDigest(name)] as const)
  return Object.fromEntries(await Promise.all(digests))
}

/** Which images of the build a slot does not hold, byte for byte; read past the product. */
export async function differing({ terminal }: FlashBench, build: Build, slot?: Slot): Promise<string[]> {
  const found: string[] = []
  for (const [base, { image }] of build) {
    const name = slot === undefined ? base : `${base}_${slot}`
    const held = await terminal.readPartition(name).catch(() => new Uint8Array(0))
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    if (hash(held.subarray(0, image.size)) !== hash(await expand(image))) found.push(base)
  }
  return found
}

export async function expectBoots({ terminal }: FlashBench, slot?: Slot): Promise<void> {
  const boot = await terminal.wouldBoot()
  expect(boot, boot.reason).toMatchObject({ verdict: 'booted', build: NEW_BUILD })
  if (slot !== undefined) expect(boot.slot).toBe(slot)
}

export async function backInEdl({ terminal }: FlashBench): Promise<void> {
  terminal.cutPower()
  await terminal.powerOn({ keys: 'edl' })
}

/** A programmer may think for minutes; the simulated one answers in milliseconds, so that silence is known as such after this. */
const SILENCE = 1_500
export const IMPATIENT: NonNullable<SetUp['firehose']> = {
  ...{ configureTry: 400, configure: SILENCE, command: SILENCE, nop: SILENCE, info: SILENCE, setup: SILENCE },
  ...{ chunk: SILENCE, slowChunk: SILENCE, ear: SILENCE, finalAck: SILENCE, readChunk: SILENCE },
  ...{ erase: SILENCE, digest: SILENCE, short: SILENCE },
}

export interface Striking {
  readonly faults?: readonly Fault[]
  readonly hooks?: SimulatorHooks
  readonly setUp?: SetUp
  /** Default: `rescue`, of a terminal that boots nothing. */
  readonly policy?: 'rescue' | 'seamless'
  /** Some faults stay for as long as nobody mends the terminal. */
  readonly again?: boolean
}

/** Runs a job against a terminal that misbehaves, then resumes it as a technician would: EDL afresh, and on it goes. At each end: one
 * error of the catalogue, nothing proven lost, what is its own untouched, and whatever is promised to boot boots.
 * @returns how the first run ended. */
export async function strike(place: EdlPlace, o: Striking): Promise<Job> {
  const { policy = 'rescue' } = o
  const setUp: SetUp = {
    ...{ policy, firehose: IMPATIENT },
    ...o.setUp,
    patience: { attempts: 1, reconnect: 3_000, adb: 10_000, ...o.setUp?.patience },
  }
  const bench = await (policy === 'rescue' ? dead : inEdl)(place, setUp)
  try {
    const { terminal } = bench
    const own = await ownContent(bench)
    const plan = await planned(bench)
    await backInEdl(bench)
    const { id } = bench.engine().create(plan)
    terminal.setFaults({ faults: o.faults ?? [], hooks: o.hooks ?? {}, seed: 5 })
    const first = await bench.run(id)
    await checkEnded(bench, { job: first, before: [], own, policy })
    terminal.setFaults({})
    let job = first
    for (let run = 0; job.state !== 'done'; run++) {
      expect(run, `${job.state}: ${job.problem?.code} ${job.problem?.detail}`).toBeLessThan(3)
      expect(RESUMABLE.has(job.state), job.state).toBe(true)
      await backInEdl(bench)
      const before = provenSteps(job)
      job = await bench.run(id)
      await checkEnded(bench, { job, before, own, policy })
    }
    await expectBoots(bench)
    await checkWritten(bench, job)
    return first
  } finally {
    await bench.close()
  }
}

interface Ended {
  readonly job: Job
  readonly before: readonly string[]
  readonly own: Readonly<Record<string, string>>
  readonly policy: 'rescue' | 'seamless'
}

async function checkEnded(bench: FlashBench, { job, before, own, policy }: Ended): Promise<void> {
  expectOneProblem(job)
  expect(provenSteps(job)).toEqual(expect.arrayContaining([...before]))
  expect(await ownContent(bench)).toEqual(own)
  const switched = job.steps.some(({ id, state }) => id.includes('set-active') && state === 'proven')
  if (policy === 'rescue' && !switched) return
  const boot = await bench.terminal.wouldBoot()
  expect(boot.verdict, `${job.state} ${job.problem?.detail}: ${boot.reason}`).toBe('booted')
}

/** Strikes once with each, several at a time; each ends done or with one of these errors.
 * @returns how the first runs ended. */
export async function eachStrikes(
  place: EdlPlace,
  strikes: readonly Striking[],
  codes: readonly ErrorCode[],
): Promise<readonly Job[]> {
  const jobs: Job[] = []
  await sideBySide(strikes, async (one) => {
    try {
      const job = await strike(place, one)
      if (job.problem !== undefined) expect(codes, job.problem.detail).toContain(job.problem.code)
      jobs.push(job)
    } catch (cause) {
      throw new Error(
        `after ${JSON.stringify(one.faults)}: ${cause instanceof Error ? cause.message : cause}`,
        {
          cause,
        },
      )
    }
  })
  return jobs
}

/** The bytes that the journal calls proven are those that the terminal holds. */
export async function checkWritten({ terminal }: FlashBench, job: Job): Promise<void> {
  for (const step of job.plan.steps) {
    if (step.kind !== 'write') continue
    const held = (await terminal.readPartition(step.partition)).subarray(0, step.bytes)
    expect(createHash('sha256').update(held).digest('hex'), step.partition).toBe(step.sha256)
  }
}
