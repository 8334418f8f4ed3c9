// Every I/O call takes both: a signal to give up, and a deadline. No time-out hides in a library.

/** A moment after which waiting is over. Monotonic: it does not move with the wall clock. */
export class Deadline {
  readonly #at: number

  private constructor(at: number) {
    this.#at = at
  }

  /** @param ms milliseconds from now; `Infinity` waits for as long as the signal allows. */
  static after(ms: number): Deadline {
    return new Deadline(performance.now() + ms)
  }

  /** Milliseconds left, never negative. */
  get remainingMs(): number {
    return Math.max(0, this.#at - performance.now())
  }

  get expired(): boolean {
    return this.remainingMs <= 0
  }

  /** The earlier of this deadline and one `ms` from now. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(this.#at, performance.now() + ms))
  }
}

export interface IoOptions {
  readonly signal: AbortSignal
  readonly deadline: Deadline
}
