// Keeps the USB process alive and its last view at hand: a crash in USB must not take the window along.
import { join } from 'node:path'
import { utilityProcess } from 'electron'
import { type BenchView, benchViewSchema } from '../../../shared/contract.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { noticeOf } from '../bench-view.ts'

/** Waits between restarts; a process that keeps dying is started ever more slowly. */
const FIRST_RESTART_MS = 500
const LONGEST_RESTART_MS = 30_000

const CRASHED: BenchView = {
  bays: [],
  notices: [
    noticeOf(new SlotbenchError('internal', 'the USB process ended unexpectedly; it is being restarted')),
  ],
}

export class BenchService {
  #view: BenchView = { bays: [], notices: [] }
  #process: Electron.UtilityProcess | undefined
  #restart: NodeJS.Timeout | undefined
  #restartMs = FIRST_RESTART_MS
  readonly #listeners = new Set<() => void>()

  constructor() {
    this.#start()
  }

  get view(): BenchView {
    return this.#view
  }

  /** @returns the way to stop listening. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stop(): void {
    clearTimeout(this.#restart)
    this.#process?.removeAllListeners()
    this.#process?.kill()
  }

  #start(): void {
    const process = utilityProcess.fork(join(import.meta.dirname, 'bench-process.js'), [], {
      serviceName: 'Slotbench USB',
    })
    this.#process = process
    process.on('message', (message: unknown) => {
      this.#restartMs = FIRST_RESTART_MS
      this.#show(benchViewSchema.parse(message))
    })
    process.once('exit', () => {
      this.#show(CRASHED)
      this.#restart = setTimeout(() => this.#start(), this.#restartMs)
      this.#restartMs = Math.min(2 * this.#restartMs, LONGEST_RESTART_MS)
    })
  }

  #show(view: BenchView): void {
    this.#view = view
    for (const listener of this.#listeners) listener()
  }
}
