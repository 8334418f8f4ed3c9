// How fast a job was over its time, for a chart: at most so many samples, thinned out as the job gets longer.

export interface ThroughputSample {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly bytesPerSecond: number
  readonly step: string
}

const MOST = 600
const FIRST_EVERY_MS = 250

export class Throughput {
  #samples: ThroughputSample[] = []
  #everyMs = FIRST_EVERY_MS

  get samples(): readonly ThroughputSample[] {
    return this.#samples
  }

  note(step: string, bytesPerSecond: number, now: Date): void {
    const at = now.getTime()
    const last = this.#samples.at(-1)
    if (last !== undefined && last.step === step && at - last.at < this.#everyMs) return
    this.#samples.push({ at, bytesPerSecond, step })
    if (this.#samples.length < MOST) return
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0)
    this.#everyMs *= 2
  }
}
