// One run of one job: the open session, the open ROM, and the checks that stand before every touch of the terminal.
import { SlotbenchError } from '../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../shared/io-options.ts'
import type { Job, JobEvent } from '../../shared/job.ts'
import type { Plan, Step } from '../../shared/plan.ts'
import type { Mode, TerminalFacts } from '../../shared/terminal.ts'
import type { Rom } from '../core/rom/types.ts'
import type { ByteSource } from '../core/source.ts'
import type { Workshop } from '../core/workshop.ts'
import { type FoundTerminal, sameTerminal } from '../terminals/identity.ts'
import type { AdbSession, EdlSession, FlashSession, TerminalSession } from '../terminals/types.ts'
import { BaySessions, PATIENCE, type Patience, type SessionOpeners } from './bay-sessions.ts'
import type { BackupStore, JobJournal } from './journal.ts'
import type { ProgressMeter } from './progress.ts'
import { anyMode, reachMode } from './reach-mode.ts'

export interface EngineDeps extends SessionOpeners {
  readonly journal: JobJournal
  readonly workshop: Workshop
  readonly backups: BackupStore
  /** Opens a package; the engine compares its fingerprint with the plan's. */
  readonly openRom: (path: string, signal: AbortSignal, flavour?: string) => Promise<Rom>
  /** Opens the package's file as it lies there, for a recovery that installs it by itself. */
  readonly openFile: (path: string) => Promise<ByteSource>
  readonly emit: (event: JobEvent) => void
  readonly now: () => Date
  readonly patience?: Partial<Patience> | undefined
}

export class RunContext {
  readonly deps: EngineDeps
  readonly signal: AbortSignal
  readonly patience: Patience
  readonly bay: BaySessions
  job: Job
  #session: TerminalSession | undefined
  #rom: Rom | undefined

  constructor(deps: EngineDeps, job: Job, signal: AbortSignal) {
    this.deps = deps
    this.job = job
    this.signal = signal
    this.patience = { ...PATIENCE, ...deps.patience }
    this.bay = new BaySessions(deps, {
      bay: job.plan.terminal.bay,
      signal,
      patience: this.patience,
      onWaiting: (waiting) => this.emit({ type: 'waiting', job: job.id, ...waiting }),
      check: ({ facts }, { sent }) => {
        const { bay } = job.plan.terminal
        const known = { ...job.plan.terminal, chipSerial: job.plan.facts.chipSerial?.value }
        const expected = sent && isNameless(facts) ? { bay } : known
        const stranger = sameTerminal(expected, inPlansWords(facts, job.plan))
        if (stranger !== undefined) throw stranger
        this.#checkState(facts)
      },
    })
  }

  get plan(): Plan {
    return this.job.plan
  }

  io(ms: number): IoOptions {
    return { signal: this.signal, deadline: Deadline.after(ms) }
  }

  /** The package, opened again if need be, and still the one that was planned with. */
  async rom(): Promise<Rom> {
    if (this.#rom !== undefined) return this.#rom
    const { path, edl } = this.plan.rom
    const rom = await this.deps.openRom(path, this.signal, edl?.flavour)
    if (rom.info.fingerprint !== this.plan.rom.fingerprint) {
      await rom.close()
      throw new SlotbenchError(
        'source-changed',
        `${this.plan.rom.path} is not the package that this job was planned with`,
      )
    }
    this.#rom = rom
    return rom
  }

  /** A session with the right terminal in the mode that this step of the plan needs; brought there if need be. */
  async flash(step: Step): Promise<FlashSession> {
    const session = await this.reach(this.modeFor(step))
    if (session.protocol !== 'adb') return session as FlashSession
    throw new SlotbenchError('terminal-wrong-mode', `${step.id} cannot be done in ${session.facts.mode}`)
  }

  async edl(step: Step): Promise<EdlSession> {
    const session = await this.reach('edl')
    if (session.protocol === 'edl') return session as EdlSession
    throw new SlotbenchError('terminal-wrong-mode', `${step.id} cannot be done in ${session.facts.mode}`)
  }

  async adb(step: Step): Promise<AdbSession> {
    const session = await this.reach(this.modeFor(step))
    if (session.protocol === 'adb') return session as AdbSession
    throw new SlotbenchError('terminal-wrong-mode', `${step.id} cannot be done in ${session.facts.mode}`)
  }

  async reach(mode: Mode): Promise<TerminalSession> {
    if (this.#session?.facts.mode === mode) return this.#session
    await this.dropSession()
    const session = await reachMode(this.bay, mode, { signal: this.signal, patience: this.patience })
    this.#session = session
    return session
  }

  /** A session with the terminal in whatever mode it is; `to` is where hands should bring one that cannot be opened. */
  async reachAny(to?: Mode): Promise<TerminalSession> {
    const where = to ?? (this.plan.facts.mode === 'edl' ? 'edl' : 'bootloader')
    this.#session ??= await anyMode(this.bay, this.patience, where)
    return this.#session
  }

  /** What to go on with, opened elsewhere. */
  async keep(session: TerminalSession): Promise<void> {
    if (this.#session !== session) await this.dropSession()
    this.#session = session
  }

  /** What the plan has last brought the terminal into before this step. */
  modeFor(step: Step): Mode {
    const { steps, facts } = this.plan
    const before = steps.slice(
      0,
      steps.findIndex(({ id }) => id === step.id),
    )
    const entered = before.findLast((earlier) => earlier.kind === 'enter-mode')
    if (entered?.kind === 'enter-mode') return entered.mode
    // A plan has no way into the mode that it was made in.
    const { mode } = facts
    return mode === 'fastbootd' || mode === 'sideload' || mode === 'edl' ? mode : 'bootloader'
  }

  async departed(): Promise<void> {
    await this.dropSession()
    await this.bay.departed()
  }

  /** The plan was made for one active slot; anything else would turn "inactive" into "running" (design, rule 2). */
  #checkState(facts: TerminalFacts): void {
    const { fromSlot, steps } = this.plan
    const current = facts.currentSlot?.value
    if (fromSlot === undefined || current === undefined) return
    // A recovery that installs by itself switches by itself.
    const switches = steps.filter((step) => step.kind === 'set-active' || step.kind === 'sideload')
    if (current === fromSlot || switches.some((step) => this.stepState(step.id) !== 'pending')) return
    throw new SlotbenchError(
      'plan-stale',
      `the plan was made while slot ${fromSlot} was active; now slot ${current} is`,
    )
  }

  stepState(id: string): 'pending' | 'started' | 'proven' {
    return this.job.steps.find((record) => record.id === id)?.state ?? 'pending'
  }

  /** Gives the session up: after a reboot, and whenever its transport can no longer be trusted. */
  async dropSession(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }

  async close(): Promise<void> {
    await this.dropSession()
    const rom = this.#rom
    this.#rom = undefined
    await rom?.close()
  }

  /** Tells how far a step is, as it goes. */
  reporting({ id }: Step, meter: ProgressMeter): (done: number, total: number) => void {
    return (done, total) => {
      const progress = meter.measure(done, total, performance.now())
      this.emit({ type: 'progress', job: this.job.id, step: id, progress })
    }
  }

  emit(event: JobEvent): void {
    this.deps.emit(event)
  }
}

/** A recovery that waits for a package greets without any mark of its own (AOSP minadbd), and the network shows none beside it. */
function isNameless({ bay, mode, serial, chipSerial }: TerminalFacts): boolean {
  const waitsForPackage = mode === 'sideload' || mode === 'rescue'
  return bay.startsWith('tcp:') && waitsForPackage && serial === undefined && chipSerial === undefined
}

/** A terminal calls itself by another name in each mode (zte-domain §1.2, double identity). A name that the plan knows is taken for the
 * plan's own; one that it has never heard says something only in the mode that was planned in. */
function inPlansWords(facts: TerminalFacts, plan: Plan): FoundTerminal {
  const namesOf = (f: TerminalFacts) =>
    [f.product, f.variant, ...(f.names ?? [])].flatMap((name) => name?.value.toLowerCase() ?? [])
  const known = new Set([...namesOf(plan.facts), plan.terminal.product?.toLowerCase()])
  const { bay, serial, chipSerial, product } = facts
  const comparable = facts.mode === plan.facts.mode && !namesOf(facts).some((name) => known.has(name))
  return { bay, serial, chipSerial, product: comparable ? product : undefined }
}
