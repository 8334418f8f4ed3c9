// Writes a stream into ranges of a partition, one after the other.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ByteRange } from '../formats/payload-delta.ts'

/** The bytes of one partition while it is made; offsets count from its beginning. */
export interface PartitionTarget {
  /** It is all zeros where nothing was written since the work began. */
  readonly fresh: boolean
  write(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>
  read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
}

const ZEROS = new Uint8Array(1024 * 1024)

export class TargetWriter {
  readonly #target: PartitionTarget
  readonly #ranges: readonly ByteRange[]
  readonly #signal: AbortSignal
  #range = 0
  #at = 0

  constructor(target: PartitionTarget, ranges: readonly ByteRange[], signal: AbortSignal) {
    this.#target = target
    this.#ranges = ranges
    this.#signal = signal
  }

  /** @throws SlotbenchError `payload-invalid` when there is no range left for it. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const range = this.#ranges[this.#range]
      if (range === undefined)
        throw new SlotbenchError('payload-invalid', 'more comes out than there are blocks for')
      const length = Math.min(bytes.length - done, range.length - this.#at)
      await this.#target.write(range.offset + this.#at, bytes.subarray(done, done + length), this.#signal)
      done += length
      this.#at += length
      if (this.#at < range.length) continue
      this.#range += 1
      this.#at = 0
    }
  }

  /** Fills what is left with zeros.
   * @param most as many bytes at the most; Infinity for operations that are nothing but zeros.
   * @throws SlotbenchError `payload-invalid` when more is left. */
  async finish(most: number): Promise<void> {
    let left = this.#ranges.slice(this.#range).reduce((sum, { length }) => sum + length, -this.#at)
    if (left > most) throw new SlotbenchError('payload-invalid', `${left} bytes too few come out`)
    while (left > 0) {
      const length = Math.min(left, ZEROS.length)
      await this.write(ZEROS.subarray(0, length))
      left -= length
    }
  }
}
