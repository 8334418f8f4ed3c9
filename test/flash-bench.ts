// A bench for whole-product tests: a simulated terminal on simulated USB, the real engine, a real journal, a real package.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mergeFacts } from '../src/main/core/plan/merge-facts.ts'
import { modesToSurvey } from '../src/main/core/plan/modes.ts'
import { plan } from '../src/main/core/plan/plan.ts'
import { openRom } from '../src/main/core/rom/open.ts'
import type { Rom } from '../src/main/core/rom/types.ts'
import { verifyRom } from '../src/main/core/rom/verify.ts'
import type { Workshop } from '../src/main/core/workshop.ts'
import type { Patience, SessionOpeners, Waiting } from '../src/main/flash/bay-sessions.ts'
import { Engine } from '../src/main/flash/engine.ts'
import type { JobJournal } from '../src/main/flash/journal.ts'
import { survey } from '../src/main/flash/survey.ts'
import type { EdlOpener } from '../src/main/hosts/edl-opener.ts'
import { adbKeyStore } from '../src/main/io/adb/key-store.ts'
import { FileBackupStore } from '../src/main/io/files/backup-store.ts'
import { openFile } from '../src/main/io/files/open-file.ts'
import { openFolder } from '../src/main/io/files/open-folder.ts'
import { openDatabase } from '../src/main/io/sqlite/database.ts'
import { SqliteJobJournal } from '../src/main/io/sqlite/job-journal.ts'
import { watchUsb } from '../src/main/io/usb/usb-watch.ts'
import { createWorkshop } from '../src/main/io/workers/workshop.ts'
import type { AdbCredentials } from '../src/main/protocols/adb/credentials.ts'
import type { FirehoseOptions } from '../src/main/protocols/firehose/open.ts'
import { openAdbSession } from '../src/main/terminals/adb/session.ts'
import { createDiscovery } from '../src/main/terminals/discovery.ts'
import { openEdlSession } from '../src/main/terminals/edl/open.ts'
import { openFastbootSession } from '../src/main/terminals/fastboot/session.ts'
import type { AdbSession, BenchDiscovery } from '../src/main/terminals/types.ts'
import type { Job, JobEvent } from '../src/shared/job.ts'
import type { Plan, Policy, Recipe } from '../src/shared/plan.ts'
import type { RomInfo } from '../src/shared/rom.ts'
import type { AdbBehaviourChanges } from '../src/simulator/adb/behaviour.ts'
import { adbDaemon } from '../src/simulator/adb/daemon.ts'
import type { AdbDaemon } from '../src/simulator/adb-service.ts'
import type { FaultPlan } from '../src/simulator/faults.ts'
import { type Build, factoryImages, makeBuild, simulatorRootOfTrust } from '../src/simulator/make-images.ts'
import type { TerminalProfile } from '../src/simulator/profiles/types.ts'
import { makeRom } from '../src/simulator/rom-factory/make-rom.ts'
import { SimulatedTerminal } from '../src/simulator/terminal.ts'
import { SimulatedBench } from '../src/simulator/usb.ts'

import { memorySource } from './loader-files.ts'

export const OLD_BUILD = 'build-1'
export const NEW_BUILD = 'build-2'
const BAY = { bus: '1', ports: [2] } as const
const BAY_ID = 'usb:1-2'

/** What is made once and used by many runs: images, a verified package, worker threads. */
export interface Workplace {
  readonly folder: string
  readonly profile: TerminalProfile
  readonly old: Build
  readonly romPath: string
  readonly rom: RomInfo
  readonly workshop: Workshop
  openRom(path: string, signal: AbortSignal, flavour?: string): Promise<Rom>
  close(): Promise<void>
}

/** The journals of hundreds of runs are synced at every step; where there is a RAM disk, that costs nothing. */
function fastFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
}

export async function openWorkplace(profile: TerminalProfile): Promise<Workplace> {
  const folder = mkdtempSync(join(fastFolder(), 'slotbench-test-'))
  const workshop = createWorkshop({ width: 2 })
  const old = await makeBuild(profile, { build: OLD_BUILD, rollbackIndex: 1, seed: 1 })
  const romPath = join(folder, 'full rom – 完整.zip')
  await makeRom(profile, { build: NEW_BUILD, rollbackIndex: 2, seed: 2, kind: 'ota-zip', out: romPath })
  const open = (path: string, signal: AbortSignal, flavour?: string) =>
    openRom(path, { openFile, openFolder, workshop, flavour }, signal)
  const never = new AbortController().signal
  const opened = await open(romPath, never)
  const { info } = await verifyRom(opened, { signal: never, workshop })
  await opened.close()
  return {
    folder,
    profile,
    old,
    romPath,
    rom: info,
    workshop,
    openRom: open,
    async close() {
      await workshop.close()
      rmSync(folder, { recursive: true })
    },
  }
}

export const RECIPE: Recipe = { policy: 'seamless', wipe: false, batteryLimit: 30, proofTimeout: 5 }
/** A simulated programmer has begun to speak before this is over; what is late is heard all the same. */
const BRISK: FirehoseOptions = { deadlines: { startup: 200, quiet: 30 }, powerDelay: 0 }
const QUICK: Partial<Patience> = {
  reconnect: 4_000,
  hands: 2_000,
  adb: 500,
  open: 5_000,
  attempts: 1,
  departure: 500,
}

export interface SetUp {
  readonly policy?: Policy
  readonly faults?: FaultPlan
  readonly patience?: Partial<Patience>
  readonly recipe?: Partial<Recipe>
  readonly unlocked?: boolean
  readonly serial?: string | null
  /** How its ADB behaves; without it, an interface behind which nobody is. */
  readonly adb?: AdbBehaviourChanges
  /** Answers ADB instead, e.g. differently from mode to mode. */
  readonly daemon?: AdbDaemon
  /** With what this computer introduces itself; default a key in the folder of the workplace. */
  readonly credentials?: AdbCredentials
  /** Pause between the pieces of a merge, ms. */
  readonly mergePauseMs?: number
  /** Programmers at hand, and nobody's hands needed to come into EDL. */
  readonly loaders?: readonly Uint8Array<ArrayBuffer>[]
  /** Opens terminals in EDL instead. */
  readonly edl?: EdlOpener
  /** How long a programmer may keep silent, where that is not a test's patience. */
  readonly firehose?: FirehoseOptions['deadlines']
  /** How long the terminal may take with a sideloaded package, ms; the engine itself is patient for a quarter of an hour. */
  readonly sideloadMs?: number
}

/** One terminal with the old build in every slot, in its bootloader, on one port; and a journal of its own. */
export class FlashBench {
  readonly place: Workplace
  readonly terminal: SimulatedTerminal
  readonly usb: SimulatedBench
  readonly events: JobEvent[] = []
  /** What planning waited for. */
  readonly waitings: Waiting[] = []
  readonly #setUp: SetUp
  readonly #journalPath: string
  readonly #discovery: BenchDiscovery
  readonly #credentials: AdbCredentials

  private constructor(place: Workplace, terminal: SimulatedTerminal, setUp: SetUp) {
    this.place = place
    this.terminal = terminal
    this.#setUp = setUp
    this.usb = new SimulatedBench()
    this.usb.plug(terminal, BAY)
    const ownKey = () => adbKeyStore({ dataFolder: place.folder, googleKey: join(place.folder, 'none') })
    this.#credentials = setUp.credentials ?? ownKey()
    this.#discovery = createDiscovery([watchUsb(async () => this.usb)])
    const folder = mkdtempSync(join(place.folder, 'bench-'))
    mkdirSync(join(folder, 'backups'))
    this.#journalPath = join(folder, 'bench.sqlite')
  }

  static async open(place: Workplace, setUp: SetUp = {}): Promise<FlashBench> {
    const { mergePauseMs } = setUp
    const daemon = setUp.daemon ?? (setUp.adb && adbDaemon({ behaviour: setUp.adb }))
    const terminal = await SimulatedTerminal.create({
      profile: place.profile,
      serial: setUp.serial === undefined ? 'SIM0001' : setUp.serial,
      unlocked: setUp.unlocked ?? true,
      keys: await simulatorRootOfTrust(),
      image: factoryImages(place.profile, place.old),
      ...(daemon === undefined ? {} : { adb: daemon }),
      ...(mergePauseMs === undefined ? {} : { mergePauseMs }),
    })
    await terminal.powerOn({ keys: 'bootloader' })
    const bench = new FlashBench(place, terminal, setUp)
    return bench
  }

  get discovery(): BenchDiscovery {
    return this.#discovery
  }

  /** The journal as a fresh start of the program finds it; whoever held a claim before is gone. */
  journal(): JobJournal {
    return new SqliteJobJournal(openDatabase(this.#journalPath), { alive: () => false })
  }

  /** An engine as after a fresh start of the program: nothing is shared with earlier ones but the journal's file. */
  engine(journal: JobJournal = this.journal()): Engine {
    return new Engine({
      journal,
      ...this.#openers(),
      workshop: this.place.workshop,
      backups: new FileBackupStore(join(this.place.folder, 'backups')),
      openRom: this.place.openRom,
      openFile,
      emit: (event) => this.events.push(event),
      now: () => new Date(),
      patience: this.#patience(),
    })
  }

  /** A plan with the facts of every mode that it needs. */
  async plan(more: Partial<Recipe> = {}): Promise<Plan> {
    const { rom } = this.place
    const recipe = { ...RECIPE, policy: this.#setUp.policy ?? 'seamless', ...this.#setUp.recipe, ...more }
    const readings = await survey(this.#openers(), {
      bay: BAY_ID,
      signal: new AbortController().signal,
      patience: this.#patience(),
      partitions: rom.images.map((image) => image.name),
      onWaiting: (waiting) => this.waitings.push(waiting),
      next: (known) => modesToSurvey(rom, mergeFacts(known), recipe.policy),
    })
    const host = { freeBytes: 1e12 }
    return plan({ facts: mergeFacts(readings), rom, recipe, host, now: '2026-01-01T00:00:00Z' })
  }

  async run(id: string, journal?: JobJournal): Promise<Job> {
    return this.engine(journal).run(id, new AbortController().signal)
  }

  #openers(): SessionOpeners {
    const credentials = this.#credentials
    return {
      discovery: this.#discovery,
      openSession: openFastbootSession,
      openAdb: async (sighting, o) => {
        const session = await openAdbSession(sighting, { ...o, credentials })
        const ms = this.#setUp.sideloadMs
        return ms === undefined ? session : impatient(session, ms)
      },
      openEdl: this.#edlOpener(),
    }
  }

  #edlOpener(): SessionOpeners['openEdl'] {
    const { loaders, edl, firehose } = this.#setUp
    const discovery = this.#discovery
    if (edl !== undefined) return (sighting, o) => edl.open(sighting, discovery, o)
    if (loaders === undefined) return undefined
    const options = { ...BRISK, deadlines: { ...BRISK.deadlines, ...firehose } }
    return (sighting, o) => {
      const sources = loaders.map((content) => memorySource(content))
      return openEdlSession(sighting, { ...o, loaders: sources, discovery, firehose: options })
    }
  }

  #patience(): Partial<Patience> {
    return { ...QUICK, ...this.#setUp.patience }
  }

  async close(): Promise<void> {
    await this.#discovery.close()
    this.terminal.cutPower()
  }
}

/** The same session with less time for a package. */
function impatient(session: AdbSession, ms: number): AdbSession {
  return {
    protocol: session.protocol,
    bay: session.bay,
    get facts() {
      return session.facts
    },
    refresh: (o) => session.refresh(o),
    reboot: (to, o) => session.reboot(to, o),
    sideload: (file, o) => session.sideload(file, { ...o, deadline: o.deadline.within(ms) }),
    close: () => session.close(),
  }
}
