// What the tests of bad terminals share: one job on one terminal that misbehaves, with the patience of a test, and the promise checked.
import { expect } from 'vitest'
import { Engine } from '../../src/main/flash/engine.ts'
import type { BackupStore } from '../../src/main/flash/journal.ts'
import { FileBackupStore } from '../../src/main/io/files/backup-store.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { openFastbootSession } from '../../src/main/terminals/fastboot/session.ts'
import type { FlashSession, Sighting, WriteOptions } from '../../src/main/terminals/types.ts'
import { CATALOGUE, type ErrorCode } from '../../src/shared/error-catalogue.ts'
import type { IoOptions } from '../../src/shared/io-options.ts'
import type { Job, JobState } from '../../src/shared/job.ts'
import type { Plan, Recipe } from '../../src/shared/plan.ts'
import type { Fault, SimulatorHooks } from '../../src/simulator/faults.ts'
import { bringBackToBootloader } from '../../src/simulator/hands.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
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
  ...{ system: 256 * KIB, vendor: 128 * KIB, product: 128 * KIB, userdata: 256 * KIB, boot: 128 * KIB },
  ...{ vendor_boot: 128 * KIB, modem: 128 * KIB, dtbo: 64 * KIB, xbl: 64 * KIB, abl: 64 * KIB },
}
/** For one whole step, on a machine that is busy with other tests. */
const PATIENT_MS = 10_000
/** A phone may think for minutes; the simulated one answers in milliseconds, so that silence is known as such after this. */
export const SILENCE_MS = 1_500

export function openPlace(id: ProfileId): Promise<Workplace> {
  return openWorkplace(profile(id, { sizes: SIZES, maxDownload: 96 * KIB }))
}

export interface Bad {
  readonly faults?: readonly Fault[]
  readonly hooks?: SimulatorHooks
  readonly plan?: Plan
  readonly terminal?: SetUp
  readonly recipe?: Partial<Recipe>
  readonly backups?: BackupStore
  readonly attempts?: number
  /** How long one call of a session may take; `SILENCE_MS` where the terminal is going to be silent. */
  readonly silenceMs?: number
}

/** One job on one terminal; the technician's hands bring it back to its bootloader after each start. */
export class BadBench {
  readonly bench: FlashBench
  readonly id: string
  readonly #bad: Bad
  readonly #hands: () => void

  private constructor(bench: FlashBench, plan: Plan, bad: Bad) {
    this.bench = bench
    this.#bad = bad
    this.id = bench.engine().create(plan).id
    this.#hands = bringBackToBootloader(bench.terminal, { patienceMs: 5 })
  }

  static async open(place: Workplace, bad: Bad = {}): Promise<BadBench> {
    const bench = await FlashBench.open(place, bad.terminal)
    const plan = bad.plan ?? (await bench.plan({ proofTimeout: 3, ...bad.recipe }))
    const opened = new BadBench(bench, plan, bad)
    bench.terminal.setFaults({ faults: bad.faults ?? [], hooks: bad.hooks ?? {}, seed: 11 })
    return opened
  }

  /** Runs the job once, as after a fresh start of the program. */
  async run(silenceMs = this.#bad.silenceMs ?? PATIENT_MS): Promise<Job> {
    const { bench } = this
    const engine = new Engine({
      journal: bench.journal(),
      discovery: bench.discovery,
      workshop: bench.place.workshop,
      backups: this.#bad.backups ?? new FileBackupStore(`${bench.place.folder}/backups`),
      openRom: bench.place.openRom,
      openFile,
      openSession: (sighting, o) => impatientSession(sighting, o, silenceMs),
      emit: (event) => bench.events.push(event),
      now: () => new Date(),
      patience: {
        ...{ reconnect: 3_000, hands: 1_500, adb: 500, open: 2 * silenceMs, departure: 300 },
        attempts: this.#bad.attempts ?? 1,
      },
    })
    const before = provenSteps(bench.journal().get(this.id))
    const job = await engine.run(this.id, new AbortController().signal)
    // Nothing already proven is lost.
    expect(provenSteps(job)).toEqual(expect.arrayContaining([...before]))
    expectOneProblem(job)
    return job
  }

  /** Whatever happened, one whole build boots. */
  async expectBoots(...builds: readonly string[]): Promise<void> {
    const boot = await this.bench.terminal.wouldBoot()
    expect(boot.verdict, boot.reason).toBe('booted')
    expect(builds.length === 0 ? [OLD_BUILD, NEW_BUILD] : builds).toContain(boot.build)
  }

  /** As a person would: takes the terminal off and on again into its bootloader, and resumes, until the job is done. */
  async carryThrough(limit = 4): Promise<Job> {
    const { terminal } = this.bench
    for (let run = 0; ; run++) {
      const job = this.bench.journal().get(this.id)
      if (job.state === 'done') return job
      expect(run, `${job.state}: ${job.problem?.code} ${job.problem?.detail}`).toBeLessThan(limit)
      terminal.cutPower()
      await terminal.powerOn({ keys: 'bootloader' })
      await this.run(PATIENT_MS)
      await this.expectBoots()
    }
  }

  async close(): Promise<void> {
    this.#hands()
    await this.bench.close()
  }
}

export function provenSteps(job: Job): readonly string[] {
  return job.steps.filter((step) => step.state === 'proven').map((step) => step.id)
}

/** A job that is not done has exactly one error, and it is one of the catalogue. */
export function expectOneProblem(job: Job): void {
  if (job.state === 'done') {
    expect(job.problem).toBe(undefined)
    return
  }
  const { code, meaning, next } = job.problem ?? {}
  expect(Object.keys(CATALOGUE)).toContain(code)
  expect(code, job.problem?.detail).not.toBe('internal')
  const entry = CATALOGUE[code as ErrorCode]
  expect({ meaning, next }).toEqual({ meaning: entry.meaning, next: entry.next })
  expect(entry.exit).toBeGreaterThan(0)
}

/** The outcome that a fault must have. */
export interface Outcome {
  readonly state: JobState
  readonly codes?: readonly ErrorCode[]
}

export async function expectOutcome(place: Workplace, bad: Bad, outcome: Outcome): Promise<Job> {
  const bench = await BadBench.open(place, bad)
  try {
    const job = await bench.run()
    const said = `${job.state}: ${job.problem?.code} ${job.problem?.detail}`
    expect(job.state, said).toBe(outcome.state)
    if (outcome.codes !== undefined) expect(outcome.codes, said).toContain(job.problem?.code)
    await bench.expectBoots()
    if (outcome.state === 'fell-back') await bench.expectBoots(OLD_BUILD)
    else {
      await bench.carryThrough()
      await bench.expectBoots(NEW_BUILD)
    }
    return job
  } finally {
    await bench.close()
  }
}

/** A session in which silence is known after so many milliseconds. */
async function impatientSession(sighting: Sighting, o: IoOptions, silenceMs: number): Promise<FlashSession> {
  const noLonger = <O extends IoOptions>(options: O): O => ({
    ...options,
    deadline: options.deadline.within(silenceMs),
  })
  const session = await openFastbootSession(sighting, { ...o, deadline: o.deadline.within(2 * silenceMs) })
  return {
    protocol: session.protocol,
    bay: session.bay,
    get facts() {
      return session.facts
    },
    get can() {
      return session.can
    },
    refresh: (options) => session.refresh(noLonger(options)),
    describe: (names, options) => session.describe(names, noLonger(options)),
    write: (target, image, options: WriteOptions) => session.write(target, image, noLonger(options)),
    digest: (target, size, options: WriteOptions) => session.digest(target, size, noLonger(options)),
    read: (target, size, options) => session.read(target, size, noLonger(options)),
    erase: (target, options) => session.erase(target, noLonger(options)),
    setActive: (slot, options) => session.setActive(slot, noLonger(options)),
    deleteLogical: (target, options) => session.deleteLogical(target, noLonger(options)),
    resizeLogical: (target, size, options) => session.resizeLogical(target, size, noLonger(options)),
    updateSuper: (tables, wipe, options) => session.updateSuper(tables, wipe, noLonger(options)),
    snapshotUpdate: (action, options) => session.snapshotUpdate(action, noLonger(options)),
    reboot: (to, options) => session.reboot(to, noLonger(options)),
    close: () => session.close(),
  }
}

/** Works on everything at once, a few at a time: a run mostly waits. */
export async function sideBySide<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values()
  const lane = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}
