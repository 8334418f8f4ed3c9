// What one window may do. A supervisor who unlocks one window has unlocked that window, and only while it is used.
import { SlotbenchError } from '../../../../shared/errors.ts'
import type { RoleView } from '../../../../shared/role.ts'
import type { LogBook } from '../log-book.ts'
import type { Supervisor } from './supervisor.ts'

/** A window that nobody touches is locked after this long. */
export const IDLE_MS = 5 * 60_000

export interface WindowRoleParts {
  readonly supervisor: Supervisor
  readonly log: LogBook
  /** Told whenever it changes. */
  readonly tell: (role: RoleView) => void
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export class WindowRole {
  readonly #supervisor: Supervisor
  readonly #log: LogBook
  readonly #tell: (role: RoleView) => void
  readonly #now: () => number
  readonly #stop: () => void
  #until: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ supervisor, log, tell, now = Date.now }: WindowRoleParts) {
    this.#supervisor = supervisor
    this.#log = log
    this.#tell = tell
    this.#now = now
    // Whoever was let in by the old PIN has to know the new one.
    this.#stop = supervisor.onChange(() => this.#close())
  }

  get view(): RoleView {
    const { hasPin: pin } = this.#supervisor
    if (!pin || !this.#isOpen || this.#until === undefined) return { pin }
    return { pin, unlockedUntil: new Date(this.#until).toISOString() }
  }

  /** @throws SlotbenchError `supervisor-needed` when there is something that this window may not decide on. */
  answersFor(what: readonly string[]): void {
    if (what.length === 0 || !this.#supervisor.hasPin || this.#isOpen) return
    throw new SlotbenchError('supervisor-needed', `a supervisor decides on this: ${what.join(', ')}`)
  }

  /** @throws SlotbenchError `pin-wrong`, `pin-wait`. */
  async unlock(pin: string): Promise<void> {
    await this.#supervisor.check(pin)
    this.#log.write({ kind: 'supervisor', what: 'unlocked' })
    this.#open()
  }

  /** @throws SlotbenchError `pin-wrong`, `pin-wait`. */
  async setPin(pin: string, old: string | undefined): Promise<void> {
    await this.#supervisor.setPin(pin, old)
    this.#open()
  }

  lock(): void {
    if (this.#isOpen) this.#log.write({ kind: 'supervisor', what: 'locked' })
    this.#close()
  }

  /** Somebody is at the window. */
  touch(): void {
    if (this.#isOpen) this.#open()
  }

  /** The window is gone. */
  end(): void {
    this.#stop()
    clearTimeout(this.#timer)
    this.#until = undefined
  }

  /** By the clock and not by the timer: a computer that slept has not counted. */
  get #isOpen(): boolean {
    return this.#until !== undefined && this.#now() < this.#until
  }

  #open(): void {
    clearTimeout(this.#timer)
    this.#until = this.#now() + IDLE_MS
    this.#timer = setTimeout(() => this.#close(), IDLE_MS)
    this.#timer.unref()
    this.#tell(this.view)
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#until = undefined
    this.#tell(this.view)
  }
}
