// Updates of the program: looked for at any time, fetched and installed only when somebody says so and no job runs.
import type { UpdateView } from '../../../shared/contract.ts'
import { TEXT } from '../../../shared/contract.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { noticeOf } from '../bench-view.ts'
import type { UpdateOrder, UpdateReport } from '../update-messages.ts'
import { clip } from './clip.ts'
import type { ReadModel } from './read-model.ts'
import { clippedNotice } from './views.ts'

/** After the start, and then once in so long. */
const CHECK_EVERY_MS = 24 * 3_600_000

export interface UpdateParts {
  readonly model: ReadModel
  /** How many jobs run. */
  readonly running: () => number
}

export class UpdateDesk {
  readonly #parts: UpdateParts
  #send: ((order: UpdateOrder) => void) | undefined
  #checking: NodeJS.Timeout | undefined

  constructor(parts: UpdateParts) {
    this.#parts = parts
  }

  /** A host that can renew itself has come; without one there are no updates. */
  attach(send: (order: UpdateOrder) => void): void {
    this.#send = send
  }

  check(): void {
    const { phase } = this.#view
    if (phase !== 'idle' && phase !== 'failed' && phase !== 'available') throw this.#notNow(phase)
    this.#show({ phase: 'checking' })
    this.#order('check')
  }

  /** Asked for by somebody. While jobs run it waits for their end. */
  download(): void {
    const view = this.#view
    if (view.phase !== 'available') throw this.#notNow(view.phase)
    this.#fetchWhenFree(view.version)
  }

  /** Asked for by somebody. @throws SlotbenchError `update-busy` while a job runs. */
  install(): void {
    const view = this.#view
    const count = this.#parts.running()
    if (view.phase !== 'downloaded') throw this.#notNow(view.phase)
    if (count > 0) throw new SlotbenchError('update-busy', `${count} jobs run`)
    this.#show({ phase: 'installing', version: view.version })
    this.#order('install')
  }

  /** @throws SlotbenchError `update-busy` when the program is about to end. */
  checkJobMayStart(): void {
    if (this.#view.phase === 'installing')
      throw new SlotbenchError('update-busy', 'an update is being installed')
  }

  /** A job has started: bandwidth, disk and processor are its own. */
  jobStarted(): void {
    const view = this.#view
    if (view.phase !== 'downloading') return
    this.#order('cancel')
    this.#show({ phase: 'waiting', version: view.version })
  }

  jobEnded(): void {
    const view = this.#view
    if (view.phase === 'waiting') this.#fetchWhenFree(view.version)
  }

  /** What the host says. Late words about what was given up are dropped. */
  take(report: UpdateReport): void {
    const view = this.#view
    switch (report.update) {
      case 'ready':
        this.#begin(report.configured)
        return
      case 'none':
        if (view.phase === 'checking') this.#show({ phase: 'idle', checkedAt: new Date().toISOString() })
        return
      case 'found':
        if (view.phase === 'checking') this.#show({ phase: 'available', version: clip(report.version) })
        return
      case 'progress':
        if (view.phase === 'downloading') this.#show({ ...view, done: report.done, total: report.total })
        return
      case 'downloaded':
        if (view.phase === 'downloading') this.#show({ phase: 'downloaded', version: view.version })
        return
      case 'failed':
        if (view.phase === 'checking' || view.phase === 'downloading' || view.phase === 'installing')
          this.#show({ phase: 'failed', problem: problemOf(report.detail) })
        return
      default:
        missingCase(report)
    }
  }

  close(): void {
    clearInterval(this.#checking)
  }

  get #view(): UpdateView {
    return this.#parts.model.state.update
  }

  #begin(configured: boolean): void {
    this.#show({ phase: configured ? 'idle' : 'off' })
    if (!configured) return
    this.check()
    this.#checking ??= setInterval(() => {
      if (this.#view.phase === 'idle' || this.#view.phase === 'failed') this.check()
    }, CHECK_EVERY_MS)
    this.#checking.unref()
  }

  #fetchWhenFree(version: string): void {
    if (this.#parts.running() > 0) {
      this.#show({ phase: 'waiting', version })
      return
    }
    this.#show({ phase: 'downloading', version, done: 0, total: 0 })
    this.#order('download')
  }

  #order(update: UpdateOrder['update']): void {
    this.#send?.({ update })
  }

  #show(update: UpdateView): void {
    this.#parts.model.change({ kind: 'update', update })
  }

  #notNow(phase: UpdateView['phase']): SlotbenchError {
    return new SlotbenchError('update-busy', `the update is at “${phase}”`)
  }
}

function problemOf(detail: string) {
  return clippedNotice(noticeOf(new SlotbenchError('update-failed', clip(detail, TEXT.line))))
}
