// The supervisor of a bench: the PIN's hash in a file of its own, and one try after the other. The PIN itself is kept nowhere.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { writeWholeSync } from '../../../io/files/write-whole-sync.ts'
import type { LogBook } from '../log-book.ts'
import { COST, hashPin, isPin, type StoredPin, storedPinSchema } from './pin-hash.ts'
import { Tries } from './tries.ts'

export interface SupervisorOptions {
  readonly log: LogBook
  /** Of the hash; a lower one is for tests only. */
  readonly cost?: number
  readonly tries?: Tries
}

export class Supervisor {
  readonly #path: string
  readonly #log: LogBook
  readonly #cost: number
  readonly #tries: Tries
  readonly #listeners = new Set<() => void>()
  /** `damaged`: there is a PIN, and nobody can prove to know it. */
  #stored: StoredPin | 'none' | 'damaged'
  #queue: Promise<unknown> = Promise.resolve()

  /** @param folder the bench's data. */
  constructor(folder: string, { log, cost = COST, tries = new Tries() }: SupervisorOptions) {
    this.#path = join(folder, 'supervisor.json')
    this.#log = log
    this.#cost = cost
    this.#tries = tries
    this.#stored = read(this.#path)
  }

  /** Without a PIN nothing is held back. */
  get hasPin(): boolean {
    return this.#stored !== 'none'
  }

  /** Called after the PIN was set, changed or taken away. @returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @throws SlotbenchError `pin-wrong`, `pin-wait`, `host-io` when the file cannot be read. */
  check(pin: string): Promise<void> {
    return this.#oneByOne(() => this.#check(pin))
  }

  /** @param old the PIN until now, where there is one.
   * @throws SlotbenchError as `check` does; `host-io` when it cannot be kept. */
  setPin(pin: string, old: string | undefined): Promise<void> {
    return this.#oneByOne(async () => {
      if (this.hasPin) await this.#check(old ?? '')
      const stored = await hashPin(pin, this.#cost)
      // For its owner alone.
      writeWholeSync(this.#path, `${JSON.stringify(stored, null, 2)}\n`, 0o600)
      this.#changed(stored, 'pin-set')
    })
  }

  /** From then on the bench has no supervisor. @throws SlotbenchError as `check` does. */
  removePin(old: string): Promise<void> {
    return this.#oneByOne(async () => {
      await this.#check(old)
      rmSync(this.#path, { force: true })
      this.#changed('none', 'pin-removed')
    })
  }

  async #check(pin: string): Promise<void> {
    if (this.#stored === 'none') return
    if (this.#stored === 'damaged')
      throw new SlotbenchError('host-io', `${this.#path} cannot be read; without it there is no PIN`)
    const { waitMs } = this.#tries
    if (waitMs > 0)
      throw new SlotbenchError('pin-wait', `the next try is in ${Math.ceil(waitMs / 1_000)} seconds`)
    if (await isPin(pin, this.#stored)) {
      this.#tries.right()
      return
    }
    this.#tries.wrong()
    this.#log.write({ kind: 'supervisor', what: 'refused' })
    throw new SlotbenchError('pin-wrong', 'that is not the PIN')
  }

  #changed(stored: StoredPin | 'none', what: 'pin-set' | 'pin-removed'): void {
    this.#stored = stored
    this.#log.write({ kind: 'supervisor', what })
    for (const listener of [...this.#listeners]) listener()
  }

  /** Many tries at once would all be made before the first wrong one is noticed. */
  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => {})
    return result
  }
}

/** A file that cannot be read locks: to damage it must not be a way in. */
function read(path: string): StoredPin | 'none' | 'damaged' {
  if (!existsSync(path)) return 'none'
  try {
    return storedPinSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return 'damaged'
  }
}
