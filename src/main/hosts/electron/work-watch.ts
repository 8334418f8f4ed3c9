// What the host itself follows of the bench: whether jobs run, so that the computer stays awake and nobody closes the window by mistake.
import { powerSaveBlocker } from 'electron'
import { BenchClient } from '../../../shared/bench-api.ts'
import { applyChange, type BenchState, type JobView } from '../../../shared/contract.ts'
import type { BenchService } from './bench-service.ts'
import { electronPort } from './message-port.ts'

export interface WorkEvents {
  /** Share of all running jobs that is done, 0 to 1; undefined when none runs. */
  readonly onProgress: (share: number | undefined) => void
  readonly onEnded: (job: JobView) => void
}

export class WorkWatch {
  readonly #client: BenchClient
  #state: BenchState | undefined
  #blocker: number | undefined

  constructor(service: BenchService, events: WorkEvents) {
    this.#client = new BenchClient(async () => electronPort(await service.connect()))
    this.#client.subscribe((event) => {
      const before = this.#state
      if (event.type === 'snapshot') this.#state = event.state
      if (event.type === 'changes' && this.#state !== undefined)
        this.#state = event.changes.reduce(applyChange, this.#state)
      // A lost engine runs nothing.
      if (event.type === 'connection' && !event.open) this.#state = undefined
      this.#stayAwake()
      events.onProgress(this.#share())
      for (const job of endedSince(before, this.#state)) events.onEnded(job)
    })
  }

  get running(): readonly JobView[] {
    return this.#state?.jobs.filter(({ state }) => state === 'running') ?? []
  }

  close(): void {
    this.#client.close()
    if (this.#blocker !== undefined) powerSaveBlocker.stop(this.#blocker)
  }

  #stayAwake(): void {
    const wanted = this.running.length > 0
    if (wanted && this.#blocker === undefined)
      this.#blocker = powerSaveBlocker.start('prevent-app-suspension')
    if (wanted || this.#blocker === undefined) return
    powerSaveBlocker.stop(this.#blocker)
    this.#blocker = undefined
  }

  #share(): number | undefined {
    const jobs = this.running
    if (jobs.length === 0) return undefined
    const shares = jobs.map(({ progress }) =>
      progress ? progress.jobDone / Math.max(1, progress.jobTotal) : 0,
    )
    return shares.reduce((sum, share) => sum + share, 0) / jobs.length
  }
}

function endedSince(before: BenchState | undefined, now: BenchState | undefined): readonly JobView[] {
  const ran = new Set(before?.jobs.filter(({ state }) => state === 'running').map(({ id }) => id))
  return now?.jobs.filter(({ id, state }) => state !== 'running' && ran.has(id)) ?? []
}
