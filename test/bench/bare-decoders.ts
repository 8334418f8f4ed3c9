// The decoders' libraries and nothing else: as many threads as cores, each taking the next operation there is.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface BareOperation {
  readonly kind: 'xz' | 'bzip2'
  readonly dataOffset: number
  readonly dataLength: number
  readonly outputBytes: number
}

export interface BareWork {
  readonly path: string
  readonly operations: readonly BareOperation[]
  /** One Int32: the next operation to take, shared by all threads. */
  readonly next: SharedArrayBuffer
}

export class BareDecoders {
  readonly #workers: readonly Worker[]
  readonly #next: Int32Array

  private constructor(workers: readonly Worker[], next: Int32Array) {
    this.#workers = workers
    this.#next = next
  }

  static async start(
    width: number,
    path: string,
    operations: readonly BareOperation[],
  ): Promise<BareDecoders> {
    const next = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    const workerData: BareWork = { path, operations, next }
    const url = new URL('./bare-decoder-thread.ts', import.meta.url)
    const workers = Array.from({ length: width }, () => new Worker(url, { workerData }))
    await Promise.all(workers.map((worker) => once(worker, 'online')))
    return new BareDecoders(workers, new Int32Array(next))
  }

  async decodeAll(): Promise<void> {
    Atomics.store(this.#next, 0, 0)
    await Promise.all(
      this.#workers.map(async (worker) => {
        worker.postMessage('go')
        await once(worker, 'message')
      }),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}
