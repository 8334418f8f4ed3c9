// A wire of limited speed: whoever moves bytes over it waits as long as they take.

export class Throttle {
  readonly #bytesPerSecond: number
  #freeAt = 0

  /** @param bytesPerSecond default unlimited. */
  constructor(bytesPerSecond = Number.POSITIVE_INFINITY) {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Resolves when the wire has carried `bytes`. @param latencyMs of this transfer. */
  async pass(bytes: number, latencyMs = 0): Promise<void> {
    const now = performance.now()
    this.#freeAt = Math.max(this.#freeAt, now) + (bytes / this.#bytesPerSecond) * 1000 + latencyMs
    const wait = this.#freeAt - now
    // Timers are too coarse for single packets, so debts add up first.
    if (wait > 2) await new Promise((done) => setTimeout(done, wait))
  }
}
