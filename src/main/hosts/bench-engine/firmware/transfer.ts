// One transfer under way: what a window sees of it, how fast it is, and the way to stop it.
import type { TransferView } from '../../../../shared/contract.ts'
import { TEXT } from '../../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../../shared/errors.ts'
import type { FetchOptions } from '../../../repository/fetch-rom.ts'
import { noticeOf } from '../../bench-view.ts'
import { clip } from '../clip.ts'
import type { ReadModel } from '../read-model.ts'
import { clippedNotice } from '../views.ts'

/** The speed is that of the last seconds. */
const WINDOW_MS = 4_000

export type Work = (transfer: Transfer) => Promise<Partial<TransferView> | undefined>

export class Transfer {
  view: TransferView
  readonly #model: ReadModel
  #controller = new AbortController()
  #ended: Promise<void> = Promise.resolve()
  #samples: { readonly at: number; readonly done: number }[] = []

  constructor(model: ReadModel, view: TransferView) {
    this.#model = model
    this.view = view
    this.show({})
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get active(): boolean {
    return this.view.state === 'running' || this.view.state === 'waiting'
  }

  show(change: Partial<TransferView>): void {
    this.view = { ...this.view, ...change }
    this.#model.change({ kind: 'transfer', transfer: this.view })
  }

  /** Does the work once; how it ended is in the view. */
  run(work: Work): Promise<void> {
    this.#controller = new AbortController()
    this.#samples = []
    const { problem: _, retryAt: __, owner: ___, ...view } = this.view
    this.view = view
    this.show({ state: 'running', bytesPerSecond: 0 })
    this.#ended = this.#run(work)
    return this.#ended
  }

  async #run(work: Work): Promise<void> {
    try {
      const more = await work(this)
      this.show({ ...more, state: 'done', done: this.view.total, bytesPerSecond: 0 })
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      const stopped = this.signal.aborted
      this.show({
        ...{ state: stopped ? 'stopped' : 'failed', bytesPerSecond: 0 },
        ...(!stopped && { problem: clippedNotice(noticeOf(error)) }),
      })
    }
  }

  /** Waits until it has let go of every file. */
  async stop(why: string): Promise<void> {
    if (this.view.state === 'waiting') this.show({ state: 'stopped' })
    this.#controller.abort(new SlotbenchError('cancelled', why))
    await this.#ended
  }

  /** What a fetch within it tells. @param before bytes of the transfer that were there before this file. */
  fetchOptions(before = 0): FetchOptions {
    return {
      signal: this.signal,
      onProgress: ({ done, total, copied, received }) =>
        this.progress({ done: before + done, total: Math.max(this.view.total, total), copied, received }),
      onTrouble: (error) => this.show({ problem: clippedNotice(noticeOf(error)) }),
      onWait: (owner) => this.show({ owner: clip(owner, TEXT.name) }),
    }
  }

  progress(change: Partial<Pick<TransferView, 'done' | 'total' | 'copied' | 'received'>>): void {
    const now = performance.now()
    const done = change.done ?? this.view.done
    this.#samples = [...this.#samples.filter(({ at }) => now - at < WINDOW_MS), { at: now, done }]
    const [first] = this.#samples
    const seconds = first === undefined ? 0 : (now - first.at) / 1000
    const speed =
      seconds > 0.2 && first !== undefined ? Math.max(0, (done - first.done) / seconds) : undefined
    // A mirror that failed is no news once another one sends.
    const { problem: _, owner: __, ...view } = this.view
    if (done > this.view.done) this.view = view
    this.show({ ...change, ...(speed !== undefined && { bytesPerSecond: speed }) })
  }
}
