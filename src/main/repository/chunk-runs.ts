// Gathers checked chunks that lie side by side, so that one write takes many: each write wakes a thread, which costs more than it writes.
import { MAX_CHUNK } from './chunk-cutter.ts'
import type { Chunk } from './chunk-index.ts'

export interface ChunkRun {
  /** Side by side, in order. */
  readonly chunks: readonly Chunk[]
  /** Of all of them. */
  readonly content: Uint8Array
}

const SIZE = 1024 * 1024 + MAX_CHUNK

/** Two buffers by turns: one is filled while the other one is written. */
export class ChunkRuns {
  readonly #write: (run: ChunkRun) => Promise<unknown>
  readonly #buffers = [Buffer.allocUnsafeSlow(SIZE), Buffer.allocUnsafeSlow(SIZE)] as const
  #buffer: Buffer = this.#buffers[0]
  #chunks: Chunk[] = []
  #length = 0
  #writing: Promise<unknown> = Promise.resolve()

  constructor(write: (run: ChunkRun) => Promise<unknown>) {
    this.#write = write
  }

  /** Where the next chunk goes: room for the largest one. */
  get room(): Buffer {
    return this.#buffer.subarray(this.#length, this.#length + MAX_CHUNK)
  }

  /** The chunk in `room` is good.
   * @throws what the write before it threw. */
  async take(chunk: Chunk): Promise<void> {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length + MAX_CHUNK > SIZE) await this.interrupt()
  }

  /** What comes next does not lie beside what is here. */
  async interrupt(): Promise<void> {
    if (this.#chunks.length === 0) return
    await this.#writing
    const run = { chunks: this.#chunks, content: this.#buffer.subarray(0, this.#length) }
    this.#writing = this.#write(run)
    // Whoever comes next hears of it.
    this.#writing.catch(() => {})
    this.#buffer = this.#buffer === this.#buffers[0] ? this.#buffers[1] : this.#buffers[0]
    this.#chunks = []
    this.#length = 0
  }

  /** Writes what is left and waits for all of it. */
  async end(): Promise<void> {
    await this.interrupt()
    await this.#writing
  }
}
