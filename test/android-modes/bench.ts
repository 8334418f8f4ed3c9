// What the tests of Android modes share: one job on one terminal with ADB, resumed as by a person, and the promise checked after each run.
import { join } from 'node:path'
import { expect } from 'vitest'
import { verifyRom } from '../../src/main/core/rom/verify.ts'
import { adbKeyStore } from '../../src/main/io/adb/key-store.ts'
import type { AdbCredentials } from '../../src/main/protocols/adb/credentials.ts'
import { CATALOGUE, type ErrorCode } from '../../src/shared/error-catalogue.ts'
import type { GuideId } from '../../src/shared/guides.ts'
import type { Job, JobEvent } from '../../src/shared/job.ts'
import type { Plan, Recipe } from '../../src/shared/plan.ts'
import type { AdbBehaviourChanges } from '../../src/simulator/adb/behaviour.ts'
import { adbDaemon } from '../../src/simulator/adb/daemon.ts'
import type { AdbDaemon } from '../../src/simulator/adb-service.ts'
import { leaveMessage } from '../../src/simulator/boot/message.ts'
import type { BuildOptions } from '../../src/simulator/make-images.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
import { makeRom, type RomOptions } from '../../src/simulator/rom-factory/make-rom.ts'
import { Disk } from '../../src/simulator/storage/disk.ts'
import type { SimulatedTerminal, TerminalState } from '../../src/simulator/terminal.ts'
import {
  FlashBench,
  NEW_BUILD,
  OLD_BUILD,
  openWorkplace,
  type SetUp,
  type Workplace,
} from '../flash-bench.ts'

const KIB = 1024
const SIZES = {
  ...{ system: 256 * KIB, vendor: 128 * KIB, product: 128 * KIB, boot: 128 * KIB, vendor_boot: 64 * KIB },
  ...{ init_boot: 64 * KIB, dtbo: 64 * KIB, modem: 64 * KIB, xbl: 64 * KIB, abl: 64 * KIB },
}
/** Staged updates begin 1 MiB into userdata. */
const USERDATA = 4096 * KIB

export async function openPlace(
  id: ProfileId,
  sizes: Readonly<Record<string, number>> = {},
): Promise<Workplace> {
  const place = await openWorkplace(profile(id, { sizes: { ...SIZES, userdata: USERDATA, ...sizes } }))
  // Made now: on a busy machine that takes longer than a test lets a terminal be silent.
  await keysIn(place.folder).keys()
  return place
}

/** The key of this computer, and none of Google's. */
export function keysIn(dataFolder: string): AdbCredentials {
  return adbKeyStore({ dataFolder, googleKey: join(dataFolder, 'none') })
}

/** The same workplace with another package. */
export async function withPackage(
  place: Workplace,
  name: string,
  options: Partial<RomOptions & BuildOptions>,
): Promise<Workplace> {
  const romPath = join(place.folder, name)
  const build = { build: NEW_BUILD, rollbackIndex: 2, seed: 2, kind: 'ota-zip' } as const
  await makeRom(place.profile, { ...build, ...options, out: romPath })
  const { signal } = new AbortController()
  const opened = await place.openRom(romPath, signal)
  const { info } = await verifyRom(opened, { signal, workshop: place.workshop })
  await opened.close()
  return { ...place, romPath, rom: info }
}

export interface Start extends SetUp {
  /** What the terminal comes in running; default its system. */
  readonly from?: 'system' | 'bootloader' | 'fastbootd' | 'recovery' | 'sideload' | 'rescue' | 'charging'
  /** Puts the terminal, which is off, into the state in which it comes in. */
  readonly prepare?: (terminal: SimulatedTerminal) => Promise<void>
}

/** One terminal, one job. */
export class ModeBench {
  readonly bench: FlashBench
  readonly #timers: NodeJS.Timeout[] = []
  #job: string | undefined

  private constructor(bench: FlashBench) {
    this.bench = bench
  }

  static async open(place: Workplace, start: Start = {}): Promise<ModeBench> {
    const { from = 'system', prepare, ...setUp } = start
    const patience = { reconnect: 5_000, hands: 1_000, adb: 4_000, ...setUp.patience }
    const recipe = { proofTimeout: 20, ...setUp.recipe }
    const bench = await FlashBench.open(place, { adb: {}, ...setUp, patience, recipe })
    bench.terminal.cutPower()
    await prepare?.(bench.terminal)
    await startIn(bench.terminal, from)
    return new ModeBench(bench)
  }

  /** Of the job. */
  get id(): string {
    if (this.#job === undefined) throw new Error('nothing is planned yet')
    return this.#job
  }

  get terminal(): SimulatedTerminal {
    return this.bench.terminal
  }

  /** Plans without blockers and puts the job into the journal. */
  async planned(more: Partial<Recipe> = {}): Promise<Plan> {
    const plan = await this.bench.plan(more)
    expect(plan.blockers).toEqual([])
    this.#job = this.bench.engine().create(plan).id
    return plan
  }

  /** Runs the job once, as after a fresh start of the program. Nothing proven may be lost, one error tells what is the matter, and
   * a whole build boots. */
  async run(): Promise<Job> {
    const { id } = this
    const before = proven(this.bench.journal().get(id))
    const job = await this.bench.run(id)
    expect(proven(job)).toEqual(expect.arrayContaining([...before]))
    expectOneProblem(job)
    const boot = await this.terminal.wouldBoot({ toldToRestart: true })
    expect(boot.verdict, `${outcome(job)}; ${boot.reason}`).toBe('booted')
    expect([OLD_BUILD, NEW_BUILD]).toContain(boot.build)
    return job
  }

  /** Plans and runs. */
  async flashed(more: Partial<Recipe> = {}): Promise<Job> {
    await this.planned(more)
    return this.run()
  }

  /** The job is through, and the new build boots. */
  async resumes(): Promise<Job> {
    const job = await this.run()
    expect(job.state, outcome(job)).toBe('done')
    await this.boots(NEW_BUILD)
    return job
  }

  async boots(build: string, slot?: 'a' | 'b'): Promise<void> {
    const expected = { verdict: 'booted', build, ...(slot === undefined ? {} : { slot }) }
    expect(await this.terminal.wouldBoot({ toldToRestart: true })).toMatchObject(expected)
  }

  /** What the job waited for, in order. */
  get waitings(): readonly Extract<JobEvent, { type: 'waiting' }>[] {
    return this.bench.events.filter((event) => event.type === 'waiting')
  }

  async restart(keys?: 'bootloader' | 'recovery' | 'charging' | 'edl'): Promise<void> {
    this.terminal.cutPower()
    await this.terminal.powerOn(keys === undefined ? {} : { keys })
  }

  /** The first time the terminal comes into this state, from then on. */
  once(state: TerminalState, act: () => void): void {
    const stop = this.terminal.on((event) => {
      if (event.kind !== 'state' || event.state !== state) return
      stop()
      // From within the change itself nothing can be done.
      queueMicrotask(act)
    })
  }

  /** What hands do as soon as they are asked for it, while planning or in the job. */
  whenAsked(guide: GuideId, act: () => void): void {
    const asked = () => [...this.bench.waitings, ...this.waitings].some((waiting) => waiting.guide === guide)
    const timer = setInterval(() => {
      if (!asked()) return
      clearInterval(timer)
      act()
    }, 20)
    this.#timers.push(timer)
  }

  close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    return this.bench.close()
  }
}

/** By keys, a charger, or word left for the next start. */
async function startIn(terminal: SimulatedTerminal, mode: NonNullable<Start['from']>): Promise<void> {
  if (mode === 'fastbootd' || mode === 'sideload' || mode === 'rescue')
    await leaveMessage(await Disk.load(terminal.storage), mode)
  const byKeys = mode === 'bootloader' || mode === 'recovery' || mode === 'charging'
  await terminal.powerOn(byKeys ? { keys: mode } : {})
  expect(terminal.state).toBe(mode)
}

export function outcome(job: Job): string {
  return `${job.state}: ${job.problem?.code} ${job.problem?.detail}`
}

export function expectEnd(job: Job, state: Job['state'], code?: ErrorCode, detail?: RegExp): void {
  expect([job.state, job.problem?.code], outcome(job)).toEqual([state, code])
  if (detail !== undefined) expect(job.problem?.detail).toMatch(detail)
}

function proven(job: Job): readonly string[] {
  return job.steps.filter((step) => step.state === 'proven').map((step) => step.id)
}

/** A job that is not done has exactly one error, and it is one of the catalogue. */
function expectOneProblem(job: Job): void {
  if (job.state === 'done') {
    expect(job.problem).toBeUndefined()
    return
  }
  const { code, meaning, next } = job.problem ?? {}
  expect(Object.keys(CATALOGUE)).toContain(code)
  expect(code, job.problem?.detail).not.toBe('internal')
  expect({ meaning, next }).toMatchObject({
    meaning: CATALOGUE[code as ErrorCode].meaning,
    next: CATALOGUE[code as ErrorCode].next,
  })
}

/** An ADB daemon whose behaviour can be changed; it shows from the next appearance of the terminal on. */
export function changeableDaemon(first: AdbBehaviourChanges): {
  readonly daemon: AdbDaemon
  readonly change: (behaviour: AdbBehaviourChanges) => void
} {
  let current = adbDaemon({ behaviour: first })
  return {
    daemon: (machine, link) => current(machine, link),
    change: (behaviour) => {
      current = adbDaemon({ behaviour })
    },
  }
}
