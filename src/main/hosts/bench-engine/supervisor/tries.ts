// How long somebody who guesses has to wait: not at all for slips, then ever longer.

/** Wrong tries that cost nothing. */
export const FREE_TRIES = 3
const FIRST_WAIT_MS = 5_000
const LONGEST_WAIT_MS = 10 * 60_000

export class Tries {
  readonly #now: () => number
  #wrong = 0
  #openAt = Number.NEGATIVE_INFINITY

  /** @param now milliseconds that only go up, whatever is done to the clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Milliseconds until the next try is looked at. */
  get waitMs(): number {
    return Math.max(0, this.#openAt - this.#now())
  }

  wrong(): void {
    this.#wrong += 1
    const doublings = this.#wrong - FREE_TRIES
    if (doublings < 0) return
    this.#openAt = this.#now() + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** doublings)
  }

  right(): void {
    this.#wrong = 0
    this.#openAt = Number.NEGATIVE_INFINITY
  }
}
