// The truth that windows follow: one state, changed in one place, told in ordered batches of at most ten a second.
import { applyChange, type BenchState, type Change } from '../../../shared/contract.ts'

export interface Batch {
  readonly seq: number
  readonly changes: readonly Change[]
}

/** Pause between two batches, and what the first change after a silence waits for others, in milliseconds. */
const BATCH_MS = 100
const FIRST_MS = 10

export class ReadModel {
  #state: BenchState
  #seq = 0
  /** By what they are about: a later change of the same thing takes the place of an earlier one. */
  readonly #waiting = new Map<string, Change>()
  readonly #listeners = new Set<(batch: Batch) => void>()
  #timer: NodeJS.Timeout | undefined
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(state: BenchState) {
    this.#state = state
  }

  /** What is true now, told or not. */
  get state(): BenchState {
    return this.#state
  }

  change(change: Change): void {
    this.#state = applyChange(this.#state, change)
    this.#queue(change)
    if (this.#timer !== undefined) return
    const wait = Math.max(FIRST_MS, this.#toldAt + BATCH_MS - performance.now())
    this.#timer = setTimeout(() => this.flush(), wait)
    this.#timer.unref()
  }

  /** A snapshot and the number of the batch that led to it; what follows connects without a gap. */
  snapshot(): { readonly seq: number; readonly state: BenchState } {
    this.flush()
    return { seq: this.#seq, state: this.#state }
  }

  /** @returns the way to stop. */
  follow(listener: (batch: Batch) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells what waits, now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.size === 0) return
    const changes = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#toldAt = performance.now()
    this.#seq += 1
    for (const listener of this.#listeners) listener({ seq: this.#seq, changes })
  }

  #queue(change: Change): void {
    const key = keyOf(change)
    const before = this.#waiting.get(key)
    if (change.kind === 'log' && before?.kind === 'log') {
      this.#waiting.set(key, { kind: 'log', lines: [...before.lines, ...change.lines].slice(-MOST_LINES) })
      return
    }
    // What a job says of itself holds its progress; an older one must not come after it.
    if (change.kind === 'job') this.#waiting.delete(`progress ${change.job.id}`)
    // What is gone need not be told how it was before; what comes again must come after it went.
    if (change.kind.endsWith('-gone')) this.#waiting.delete(key.replace('-gone', ''))
    if (change.kind === 'bay-order') this.#waiting.delete(key)
    this.#waiting.set(key, change)
  }
}

/** A batch carries no more; whoever wants the rest asks for it. */
const MOST_LINES = 400

function keyOf(change: Change): string {
  switch (change.kind) {
    case 'bay':
      return `bay ${change.bay.bay}`
    case 'bay-gone':
      return `bay-gone ${change.id}`
    case 'job':
      return `job ${change.job.id}`
    case 'job-gone':
      return `job-gone ${change.id}`
    case 'progress':
      return `progress ${change.id}`
    case 'rom':
      return `rom ${change.rom.id}`
    case 'rom-gone':
      return `rom-gone ${change.id}`
    case 'transfer':
      return `transfer ${change.transfer.id}`
    case 'transfer-gone':
      return `transfer-gone ${change.id}`
    default:
      return change.kind
  }
}
