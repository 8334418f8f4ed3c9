// One worker thread: started when it is first needed, replaced when it dies, kept from holding the program open when idle.
import { Worker } from 'node:worker_threads'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Reply, Request } from './messages.ts'

/** What a job hears: replies, or that its thread is gone. */
export type Listener = (reply: Reply) => void

export class Thread {
  readonly #url: URL
  readonly #jobs = new Map<number, Listener>()
  #worker: Worker | undefined
  #closed = false

  constructor(url: URL) {
    this.#url = url
  }

  /** Jobs it has taken on and not ended. */
  get load(): number {
    return this.#jobs.size
  }

  begin(job: number, listener: Listener): void {
    this.#jobs.set(job, listener)
    this.#worker?.ref()
  }

  end(job: number): void {
    this.#jobs.delete(job)
    if (this.#jobs.size === 0) this.#worker?.unref()
  }

  post(request: Request, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker ??= this.#start()
    this.#worker.postMessage(request, [...transfer])
  }

  async close(): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    this.#worker = undefined
    this.#failAll(new SlotbenchError('cancelled', 'the workshop was closed'))
    await worker?.terminate()
  }

  #start(): Worker {
    if (this.#closed) throw new SlotbenchError('cancelled', 'the workshop was closed')
    const worker = new Worker(this.#url)
    worker.on('message', (reply: Reply) => this.#jobs.get(reply.job)?.(reply))
    worker.on('error', (error: unknown) => this.#lost(worker, error))
    worker.on('exit', (code) => this.#lost(worker, new Error(`exit code ${code}`)))
    if (this.#jobs.size === 0) worker.unref()
    return worker
  }

  /** The next request starts a new worker; the jobs of the lost one cannot be saved. */
  #lost(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const detail = cause instanceof Error ? cause.message : String(cause)
    this.#failAll(
      new SlotbenchError('internal', `a worker thread stopped unexpectedly (${detail})`, { cause }),
    )
  }

  #failAll(error: SlotbenchError): void {
    for (const [job, listener] of [...this.#jobs])
      listener({ kind: 'failed', job, code: error.code, detail: error.message })
  }
}

export function leastLoaded(threads: readonly Thread[]): Thread {
  const [first, ...others] = threads
  if (first === undefined) throw new SlotbenchError('internal', 'the workshop has no threads')
  return others.reduce((best, thread) => (thread.load < best.load ? thread : best), first)
}

/** The buffer of `bytes` when it can travel without a copy, otherwise that of a copy: a view of part of a buffer would
 * take the rest of it along. */
export function transferable(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}
