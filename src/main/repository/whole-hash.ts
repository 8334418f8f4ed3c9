// SHA-256 of a whole file while it is still being completed: its beginning is hashed as far as it is there without a gap.
import type { Sha256 } from '../../shared/units.ts'
import { release } from '../core/release.ts'
import type { Workshop } from '../core/workshop.ts'
import type { PartialFile } from './partial-file.ts'

const PIECE = 4 * 1024 * 1024
/** Bytes that have to wait before hashing goes on. */
const AHEAD = 16 * 1024 * 1024

export class WholeHash {
  readonly #file: Pick<PartialFile, 'readInto'>
  readonly #hasher: ReturnType<Workshop['hasher']>
  readonly #signal: AbortSignal
  #until = 0
  #hashed = 0
  #running: Promise<void> | undefined

  constructor(file: Pick<PartialFile, 'readInto'>, workshop: Pick<Workshop, 'hasher'>, signal: AbortSignal) {
    this.#file = file
    this.#hasher = workshop.hasher()
    this.#signal = signal
  }

  /** The file is there up to byte `end`. */
  advance(end: number): void {
    this.#until = Math.max(this.#until, end)
    // Not for every chunk: what is hashed in between are whole pieces.
    if (this.#until - this.#hashed >= AHEAD) this.#run().catch(() => {})
  }

  #run(): Promise<void> {
    this.#running ??= this.#hash().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** One buffer goes to the hasher and back, again and again. */
  async #hash(): Promise<void> {
    let buffer = new Uint8Array(PIECE)
    while (this.#hashed < this.#until) {
      const length = Math.min(PIECE, this.#until - this.#hashed)
      const piece = length === PIECE ? buffer : new Uint8Array(length)
      await this.#file.readInto(piece, this.#hashed, this.#signal)
      this.#hashed += length
      const back = await this.#hasher.update(piece)
      if (length === PIECE) buffer = back
    }
    release(buffer)
  }

  /** @param size of the file, which is complete now. @throws what reading throws. */
  async digest(size: number): Promise<Sha256> {
    this.#until = size
    // One that ran meanwhile may have failed, and have left something out.
    await this.#running?.catch(() => {})
    await this.#run()
    return this.#hasher.digest()
  }

  close(): void {
    this.#hasher.close()
  }
}
