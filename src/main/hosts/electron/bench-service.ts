// Keeps the engine's process alive: a crash in USB must not take the window along. After a restart the journal is all there.
import { join } from 'node:path'
import { app, MessageChannelMain, utilityProcess } from 'electron'

/** Waits between restarts; a process that keeps dying is started ever more slowly. */
const FIRST_RESTART_MS = 500
const LONGEST_RESTART_MS = 30_000
/** One that has lived so long did not die of its start. */
const SOUND_AFTER_MS = 60_000
/** How long jobs may take to stop in order. */
const CLOSING_MS = 20_000

const ENGINE = join(import.meta.dirname, 'bench-process.js')
/** Tests put another engine in its place; a packaged program knows only its own. */
const otherEngine = (): string | undefined =>
  app.isPackaged ? undefined : process.env['SLOTBENCH_ENGINE'] || undefined

export class BenchService {
  readonly #onSpawn = new Set<() => void>()
  readonly #onMessage = new Set<(message: unknown) => void>()
  #process: Electron.UtilityProcess | undefined
  #spawned = Promise.withResolvers<Electron.UtilityProcess>()
  #restart: NodeJS.Timeout | undefined
  #restartMs = FIRST_RESTART_MS
  #closing = false

  constructor() {
    this.#start()
  }

  /** A port on the contract, as soon as the engine's process is there. */
  async connect(): Promise<Electron.MessagePortMain> {
    const process = await this.#spawned.promise
    const { port1, port2 } = new MessageChannelMain()
    process.postMessage('window', [port1])
    return port2
  }

  /** Called whenever an engine's process is there, the first one or a new one. */
  onSpawn(listener: () => void): void {
    this.#onSpawn.add(listener)
  }

  /** Called with whatever the engine's process says beside the ports. */
  onMessage(listener: (message: unknown) => void): void {
    this.#onMessage.add(listener)
  }

  /** Dropped when there is no process to hear it. */
  send(message: object): void {
    this.#process?.postMessage(message)
  }

  /** Stops jobs in order, then the process; after a while at once. */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#restart)
    const process = this.#process
    if (process === undefined) return
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    process.once('exit', () => resolve())
    process.postMessage('close')
    const late = setTimeout(() => process.kill(), CLOSING_MS)
    await ended
    clearTimeout(late)
  }

  #start(): void {
    const startedAt = performance.now()
    const process = utilityProcess.fork(otherEngine() ?? ENGINE, [], { serviceName: 'Slotbench engine' })
    this.#process = process
    process.once('spawn', () => {
      this.#spawned.resolve(process)
      for (const listener of this.#onSpawn) listener()
    })
    process.on('message', (message: unknown) => {
      for (const listener of this.#onMessage) listener(message)
    })
    process.once('exit', () => {
      this.#process = undefined
      this.#spawned = Promise.withResolvers()
      if (this.#closing) return
      if (performance.now() - startedAt > SOUND_AFTER_MS) this.#restartMs = FIRST_RESTART_MS
      this.#restart = setTimeout(() => this.#start(), this.#restartMs)
      this.#restartMs = Math.min(2 * this.#restartMs, LONGEST_RESTART_MS)
    })
  }
}
