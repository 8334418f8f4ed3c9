// Bytes done → speed and remaining time of the whole job.
import type { Progress } from '../../shared/job.ts'
import type { Plan, Step } from '../../shared/plan.ts'
import { bytesSent } from '../core/plan/bytes-sent.ts'

/** Weight of the newest sample; at about four samples a second the figure follows within two seconds and does not jump. */
const SMOOTHING = 0.2
const SAMPLE_MS = 250

export class ProgressMeter {
  readonly #jobTotal: number
  #jobBefore: number
  #rate = 0
  #sampleAt = 0
  #sampleDone = 0

  /** @param provenBytes bytes of write steps that earlier runs have proven. */
  constructor(plan: Plan, provenBytes: number) {
    this.#jobTotal = plan.totals.writeBytes
    this.#jobBefore = provenBytes
  }

  startStep(now: number): void {
    this.#sampleAt = now
    this.#sampleDone = 0
  }

  /** @param now milliseconds, monotonic. */
  measure(done: number, total: number, now: number): Progress {
    const elapsed = now - this.#sampleAt
    if (elapsed >= SAMPLE_MS) {
      const current = ((done - this.#sampleDone) / elapsed) * 1000
      this.#rate = this.#rate === 0 ? current : this.#rate + SMOOTHING * (current - this.#rate)
      this.#sampleAt = now
      this.#sampleDone = done
    }
    const jobDone = this.#jobBefore + done
    return {
      done,
      total,
      jobDone,
      jobTotal: this.#jobTotal,
      bytesPerSecond: Math.round(this.#rate),
      remainingSeconds: this.#rate > 0 ? (this.#jobTotal - jobDone) / this.#rate : undefined,
    }
  }

  /** What was counted as written is written once more. */
  redo(step: Step): void {
    if (step.kind === 'write') this.#jobBefore -= step.bytes
  }

  finishStep(step: Step): void {
    this.#jobBefore += bytesSent(step)
  }
}
