// Runs many jobs at once, one per bay, and tells how each goes.
import type { JobView } from '../../../shared/contract.ts'
import { TEXT } from '../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { type Job, type JobEvent, RESUMABLE } from '../../../shared/job.ts'
import type { Plan } from '../../../shared/plan.ts'
import type { Engine } from '../../flash/engine.ts'
import type { Bench } from '../bench.ts'
import { saveReport } from '../report-files.ts'
import type { BayDesk } from './bay-desk.ts'
import { clip, clipAll } from './clip.ts'
import { type ExpectedTimes, expectedSeconds, expectedTimes } from './expected-time.ts'
import { afterEvent, jobView, needsSomebody, startedView } from './job-view.ts'
import type { LogBook } from './log-book.ts'
import type { ReadModel } from './read-model.ts'
import type { SettingsStore } from './settings-store.ts'
import { Throughput, type ThroughputSample } from './throughput.ts'

export interface RunnerParts {
  readonly bench: Bench
  readonly model: ReadModel
  readonly log: LogBook
  readonly desk: BayDesk
  readonly settings: SettingsStore
  /** What stands on a bay now. */
  readonly sighting: (bay: string) => { readonly serial: string | undefined } | undefined
}

/** Ended jobs that stay in the state of the windows; older ones are in the history. */
const KEPT = 200
/** Jobs that were cut off are shown at the start for this long. */
const RECENT_MS = 14 * 24 * 3_600_000

export class JobRunner {
  readonly #parts: RunnerParts
  readonly #views = new Map<string, JobView>()
  readonly #running = new Map<
    string,
    { readonly controller: AbortController; readonly ended: Promise<void> }
  >()
  readonly #throughput = new Map<string, Throughput>()
  /** Of the jobs that run. */
  readonly #times = new Map<string, ExpectedTimes>()
  readonly #listeners = new Set<(job: JobView) => void>()

  constructor(parts: RunnerParts) {
    this.#parts = parts
    this.#recallUnseen()
  }

  /** Called after a job has ended in whatever way. @returns the way to stop. */
  onEnd(listener: (job: JobView) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  isRunning(job: string): boolean {
    return this.#running.has(job)
  }

  get running(): number {
    return this.#running.size
  }

  /** Puts a plan into the journal and runs it. Resolves when it is under way.
   * @throws SlotbenchError `plan-blocked`, `bay-busy`. */
  async start(plan: Plan): Promise<string> {
    const { operator } = this.#parts.settings.settings
    const job = this.#engine().create(plan, operator === '' ? undefined : operator)
    await this.#begin(job)
    return job.id
  }

  /** From the first unproven step. @param bay where the terminal is now, when it was moved.
   * @throws SlotbenchError `job-not-found`, `job-not-resumable`, `bay-busy`. */
  async resume(id: string, bay: string | undefined): Promise<void> {
    if (this.isRunning(id)) throw new SlotbenchError('job-busy', `job ${id} runs`)
    const { journal } = this.#parts.bench
    if (bay !== undefined && journal.get(id).plan.terminal.bay !== bay) journal.rebind(id, bay)
    const job = journal.get(id)
    if (!RESUMABLE.has(job.state)) throw new SlotbenchError('job-not-resumable', `job ${id} is ${job.state}`)
    await this.#begin(job)
  }

  async cancel(id: string): Promise<void> {
    const run = this.#running.get(id)
    if (run === undefined) return
    run.controller.abort(new SlotbenchError('cancelled', 'stopped at the bench'))
    await run.ended
  }

  acknowledge(id: string): void {
    const view = this.#views.get(id)
    if (view === undefined) throw new SlotbenchError('job-not-found', `there is no job ${id} here`)
    this.#parts.settings.markSeen(id)
    this.#show({ ...view, acknowledged: true })
  }

  throughput(id: string): readonly ThroughputSample[] {
    return this.#throughput.get(id)?.samples ?? []
  }

  /** Stops all jobs in order; each can be resumed. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.cancel(id)))
  }

  /** A new one for each run: which modes can be opened may have changed since the last. */
  #engine(): Engine {
    return this.#parts.bench.engine((event) => this.#take(event))
  }

  async #begin(job: Job): Promise<void> {
    const { desk } = this.#parts
    const { bay } = job.plan.terminal
    const begun = Promise.withResolvers<void>()
    const run = desk.take(bay, { yields: false }, async (signal) => {
      const controller = new AbortController()
      const both = AbortSignal.any([signal, controller.signal])
      const ended = Promise.withResolvers<void>()
      this.#running.set(job.id, { controller, ended: ended.promise })
      this.#throughput.set(job.id, new Throughput())
      this.#times.set(job.id, this.#timesFor(job))
      const now = new Date()
      this.#show(this.#expecting(startedView(jobView(job, true), now), now))
      begun.resolve()
      try {
        await this.#run(job.id, both)
      } finally {
        this.#running.delete(job.id)
        this.#times.delete(job.id)
        ended.resolve()
      }
    })
    run.then(() => this.#tellEnd(job.id), begun.reject)
    await begun.promise
  }

  async #run(id: string, signal: AbortSignal): Promise<void> {
    const { bench, log } = this.#parts
    try {
      const job = await this.#engine().run(id, signal)
      this.#show(this.#named(jobView(job, false)))
      await saveReport(job, bench.reports)
    } catch (thrown) {
      // No state could be written, or no report: the journal has what there is.
      const { code, message: detail, meaning, next } = asSlotbenchError(thrown)
      const problem = { code, detail: clip(detail, TEXT.line), meaning, next, at: new Date().toISOString() }
      log.write({ kind: 'problem', problem }, { job: id, bay: this.#views.get(id)?.bay })
      const view = this.#views.get(id)
      if (view?.state === 'running')
        this.#show({ ...view, state: 'interrupted', problem, acknowledged: false })
    }
  }

  /** In EDL a terminal has no serial number; the system that the engine has just seen booting has one. */
  #named(view: JobView): JobView {
    const serial = view.state === 'done' ? this.#parts.sighting(view.bay)?.serial : undefined
    return view.serial === undefined && serial !== undefined ? { ...view, serial } : view
  }

  #tellEnd(id: string): void {
    const view = this.#views.get(id)
    if (view !== undefined) for (const listener of this.#listeners) listener(view)
  }

  #take(event: JobEvent): void {
    const view = this.#views.get(event.job)
    if (view === undefined) return
    const now = new Date()
    const after = afterEvent(view, clipAll(event), now)
    const next = event.type === 'step-started' ? this.#expecting(after, now) : after
    this.#views.set(event.job, next)
    const { model } = this.#parts
    if (event.type === 'progress') {
      this.#throughput.get(event.job)?.note(event.step, event.progress.bytesPerSecond, now)
      if (view.waiting === undefined && next.progress !== undefined) {
        model.change({ kind: 'progress', id: event.job, progress: next.progress })
        return
      }
    }
    model.change({ kind: 'job', job: next })
    this.#write(event, next)
  }

  #timesFor({ plan }: Job): ExpectedTimes {
    try {
      return expectedTimes(this.#parts.bench.journal.stepTimes(plan))
    } catch {
      // A guess is not worth a job.
      return new Map()
    }
  }

  #expecting({ expected: _, ...view }: JobView, now: Date): JobView {
    const seconds = expectedSeconds(view.steps, this.#times.get(view.id) ?? new Map())
    return seconds === undefined ? view : { ...view, expected: { seconds, at: now.toISOString() } }
  }

  #write(event: JobEvent, view: JobView): void {
    const { log } = this.#parts
    const place = { job: view.id, bay: view.bay }
    const stepOf = (id: string) => view.steps.find((step) => step.id === id)
    switch (event.type) {
      case 'state':
        log.write({ kind: 'job-state', state: event.state }, place)
        return
      case 'step-started': {
        const step = stepOf(event.step)
        if (step) log.write({ kind: 'step-started', step, index: event.index, of: event.of }, place)
        return
      }
      case 'step-proven': {
        const step = stepOf(event.step)
        if (step) log.write({ kind: 'step-proven', step, ...measured(event.receipt) }, place)
        return
      }
      case 'waiting': {
        const { reason, guide } = event
        log.write({ kind: 'waiting', reason, ...(guide !== undefined && { guide }) }, place)
        return
      }
      case 'terminal-says':
        log.write({ kind: 'terminal-says', text: clip(event.text, TEXT.line) }, place)
        return
      case 'problem':
        log.write({ kind: 'problem', problem: clipAll(event.problem) }, place)
        return
      case 'progress':
        return
    }
  }

  #show(view: JobView): void {
    const clipped = clipAll(view)
    this.#views.set(view.id, clipped)
    this.#parts.model.change({ kind: 'job', job: clipped })
    this.#dropOld()
  }

  #dropOld(): void {
    if (this.#views.size <= KEPT) return
    const old = [...this.#views.values()].find(({ id, acknowledged }) => acknowledged && !this.isRunning(id))
    if (old === undefined) return
    this.#views.delete(old.id)
    this.#throughput.delete(old.id)
    this.#parts.model.change({ kind: 'job-gone', id: old.id })
  }

  /** Jobs that an earlier run of the bench left unfinished, or that nobody has looked at. */
  #recallUnseen(): void {
    const { journal } = this.#parts.bench
    const since = new Date(Date.now() - RECENT_MS).toISOString()
    const unseen = journal
      .list()
      .filter(({ state, updatedAt }) => (state === 'running' || needsSomebody(state)) && updatedAt > since)
      .filter(({ id }) => !this.#parts.settings.isSeen(id))
      .slice(0, KEPT / 2)
    for (const { id } of unseen.reverse()) {
      try {
        const view = jobView(journal.get(id), false)
        // It cannot be running: nobody here runs it. Another program may; then the journal refuses a resume.
        const cutOff = view.state === 'running' ? ({ ...view, state: 'interrupted' } as const) : view
        this.#show({ ...cutOff, acknowledged: false })
      } catch {
        // A damaged entry is told by whoever asks for it.
      }
    }
  }
}

function measured(receipt: Extract<JobEvent, { type: 'step-proven' }>['receipt']) {
  if (receipt.kind === 'write') return { bytes: receipt.imageBytes, ms: receipt.durationMs }
  if (receipt.kind === 'sideload') return { bytes: receipt.bytes, ms: receipt.durationMs }
  return {}
}
