// The engine behind every window: all parts of the bench put together around one state, whatever host serves it.
import { join } from 'node:path'
import { type BenchState, LOG_KEPT, NO_FIRMWARE } from '../../../shared/contract.ts'
import type { LoadUsbBackend } from '../../io/usb/usb-watch.ts'
import { type Bench, type BenchOptions, openBench } from '../bench.ts'
import { VERSION } from '../version.ts'
import { BackupDesk } from './backup-desk.ts'
import { BayBoard } from './bay-board.ts'
import { BayDesk } from './bay-desk.ts'
import { FirmwareDesk } from './firmware/firmware-desk.ts'
import { FlashSession, NO_SESSION } from './flash-session.ts'
import { JobRunner } from './job-runner.ts'
import { LogBook } from './log-book.ts'
import { PartitionDesk } from './partition-desk.ts'
import { Planner } from './planner.ts'
import { ReadModel } from './read-model.ts'
import { RomLibrary } from './rom-library.ts'
import { SettingsStore } from './settings-store.ts'
import { Simulation } from './simulation.ts'
import { Supervisor, type SupervisorOptions } from './supervisor/supervisor.ts'
import { SupportDesk } from './support-desk.ts'
import { UpdateDesk } from './update-desk.ts'

export interface BenchEngineOptions extends BenchOptions {
  readonly kind: BenchState['host']['kind']
  readonly supervisor?: Omit<SupervisorOptions, 'log'>
}

/** Where the system announces no changes of its ports, they are looked at this often, in milliseconds. */
const LOOK_EVERY_MS = 2_000

export class BenchEngine {
  readonly bench: Bench
  readonly model: ReadModel
  readonly log: LogBook
  readonly settings: SettingsStore
  readonly supervisor: Supervisor
  readonly desk: BayDesk
  readonly board: BayBoard
  readonly library: RomLibrary
  readonly firmware: FirmwareDesk
  readonly runner: JobRunner
  readonly planner: Planner
  readonly backups: BackupDesk
  readonly partitions: PartitionDesk
  readonly session: FlashSession
  readonly simulation: Simulation
  readonly updates: UpdateDesk
  readonly support: SupportDesk
  readonly #looking: NodeJS.Timeout
  readonly #stopReading: () => void

  constructor(options: BenchEngineOptions) {
    this.simulation = new Simulation(join(options.data, 'simulated'))
    const simulated: LoadUsbBackend = async () => this.simulation.usb
    this.bench = openBench({ ...options, moreUsb: [...(options.moreUsb ?? []), simulated] })
    const { bench } = this
    this.settings = new SettingsStore(bench.data)
    const { settings } = this
    this.model = new ReadModel(firstState(options.kind, settings))
    const { model } = this
    this.log = new LogBook((line) => model.change({ kind: 'log', lines: [line] }))
    const { log } = this
    this.supervisor = new Supervisor(bench.data, { ...options.supervisor, log })
    this.desk = new BayDesk()
    const { desk } = this
    this.board = new BayBoard({ bench, model, log, desk, settings })
    const { board } = this
    this.library = new RomLibrary({ bench, model, log })
    this.firmware = new FirmwareDesk({ bench, model, board, settings, packages: this.library })
    this.updates = new UpdateDesk({ model, running: () => this.runner.running })
    const { updates } = this
    this.runner = new JobRunner({
      ...{ bench, model, log, desk, settings },
      sighting: (bay) => board.sighting(bay),
      checkMayStart: () => updates.checkJobMayStart(),
    })
    this.runner.onStart(() => updates.jobStarted())
    this.runner.onEnd(() => updates.jobEnded())
    this.planner = new Planner({ bench, board, desk, library: this.library, settings })
    const partitionWork = { bench, board, desk, settings, planner: this.planner }
    this.backups = new BackupDesk(partitionWork)
    this.partitions = new PartitionDesk(partitionWork)
    const { runner, planner } = this
    const { supervisor } = this
    this.session = new FlashSession({ model, log, board, desk, runner, planner, settings, supervisor })
    this.support = new SupportDesk({ bench, log, settings })
    // What a job has changed is read anew.
    this.#stopReading = runner.onEnd(({ bay }) => board.readByItself(bay))
    this.#looking = setInterval(() => void this.#look(), LOOK_EVERY_MS)
    this.#looking.unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#looking)
    this.#stopReading()
    this.updates.close()
    this.session.close()
    this.board.close()
    await this.runner.close()
    await this.desk.close()
    await this.firmware.close()
    this.library.close()
    this.simulation.close()
    this.model.flush()
    await this.bench.close()
  }

  /** Hot-plug events tell of themselves; what has a problem, and a system without such events, is looked at now and then. */
  async #look(): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_EVERY_MS)
    await this.bench.lookAgain(signal).catch(() => {})
    this.board.refresh()
    this.board.retryHeld()
  }
}

function firstState(kind: BenchState['host']['kind'], settings: SettingsStore): BenchState {
  return {
    host: { kind, version: VERSION, platform: process.platform },
    bays: [],
    jobs: [],
    roms: [],
    firmware: NO_FIRMWARE,
    session: { ...NO_SESSION, countdown: settings.settings.countdown },
    settings: settings.settings,
    notices: [],
    log: [],
    update: { phase: 'unsupported' },
  }
}

/** Lines of a snapshot; the rest is asked for. */
export const SNAPSHOT_LINES = Math.min(200, LOG_KEPT)
