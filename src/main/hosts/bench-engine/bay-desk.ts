// Who works on which bay: one at a time, so that two readings, or a reading and a job, never talk to the same terminal at once.
import { SlotbenchError } from '../../../shared/errors.ts'

export interface BayTask {
  /** Gives way when somebody wants the bay for something that was asked for. */
  readonly yields: boolean
}

interface Held {
  readonly controller: AbortController
  readonly yields: boolean
  readonly ended: Promise<void>
}

export class BayDesk {
  readonly #held = new Map<string, Held>()
  readonly #onChange: (bay: string) => void

  constructor(onChange: (bay: string) => void = () => {}) {
    this.#onChange = onChange
  }

  isBusy(bay: string): boolean {
    return this.#held.has(bay)
  }

  /** Runs `work` as the only one on this bay. What gives way is ended first.
   * @throws SlotbenchError `bay-busy`, and what the work throws. */
  async take<T>(bay: string, task: BayTask, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await this.#makeRoom(bay, task)
    const controller = new AbortController()
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    this.#held.set(bay, { controller, yields: task.yields, ended })
    this.#onChange(bay)
    try {
      return await work(controller.signal)
    } finally {
      this.#held.delete(bay)
      resolve()
      this.#onChange(bay)
    }
  }

  /** Ends what is done on the bay, and waits until it has let go of the terminal. */
  async stop(bay: string, why: string): Promise<void> {
    const held = this.#held.get(bay)
    if (held === undefined) return
    held.controller.abort(new SlotbenchError('cancelled', why))
    await held.ended
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((bay) => this.stop(bay, 'the bench is being closed')))
  }

  async #makeRoom(bay: string, task: BayTask): Promise<void> {
    for (;;) {
      const held = this.#held.get(bay)
      if (held === undefined) return
      if (!held.yields || task.yields) throw new SlotbenchError('bay-busy', `${bay} is being worked on`)
      await this.stop(bay, 'something else was asked for')
    }
  }
}
