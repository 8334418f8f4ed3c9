// A journal that takes the whole engine with it: at the chosen write everything stops, as at a power cut of the computer.
import type { JobJournal } from '../../src/main/flash/journal.ts'

export class Killed extends Error {}

export type Moment = 'before' | 'after'

/** Passes everything on and counts the writes. With `at`, the engine dies before or after that write: nothing is journalled any more. */
export class KillSwitch implements JobJournal {
  readonly #inner: JobJournal
  readonly #at: number
  readonly #moment: Moment
  #writes = 0
  #dead = false

  constructor(inner: JobJournal, at = Number.POSITIVE_INFINITY, moment: Moment = 'before') {
    this.#inner = inner
    this.#at = at
    this.#moment = moment
  }

  get writes(): number {
    return this.#writes
  }

  get fired(): boolean {
    return this.#dead
  }

  create: JobJournal['create'] = (job) => this.#write(() => this.#inner.create(job))
  setState: JobJournal['setState'] = (...args) => this.#write(() => this.#inner.setState(...args))
  stepStarted: JobJournal['stepStarted'] = (...args) => this.#write(() => this.#inner.stepStarted(...args))
  stepProven: JobJournal['stepProven'] = (...args) => this.#write(() => this.#inner.stepProven(...args))
  rebind: JobJournal['rebind'] = (...args) => this.#write(() => this.#inner.rebind(...args))
  get: JobJournal['get'] = (id) => this.#inner.get(id)
  list: JobJournal['list'] = () => this.#inner.list()
  /** A killed process gives nothing back. */
  claim: JobJournal['claim'] = (id) => {
    this.#inner.claim(id)
    return () => undefined
  }

  #write(work: () => void): void {
    if (this.#dead) throw new Killed()
    this.#writes++
    const now = this.#writes === this.#at
    if (now && this.#moment === 'before') this.#die()
    work()
    if (now) this.#die()
  }

  #die(): never {
    this.#dead = true
    throw new Killed()
  }
}
