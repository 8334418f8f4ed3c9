// Reads fixed-layout records out of untrusted bytes: whatever is missing or too large is one SlotbenchError.
import { type ErrorCode, SlotbenchError } from '../../../shared/errors.ts'

export class RecordReader {
  readonly #view: DataView<ArrayBufferLike>
  readonly #littleEndian: boolean
  readonly #code: ErrorCode
  #position = 0

  /** @param code the error code of whatever is wrong with these bytes. */
  constructor(bytes: Uint8Array, order: 'little' | 'big', code: ErrorCode) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#littleEndian = order === 'little'
    this.#code = code
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.#view.byteLength - this.#position
  }

  /** Goes to a byte offset from the start. */
  seek(position: number): this {
    if (position < 0 || position > this.#view.byteLength)
      this.fail(`offset ${position} lies outside the data`)
    this.#position = position
    return this
  }

  skip(length: number): this {
    this.#take(length)
    return this
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.#littleEndian)
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.#littleEndian)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.#littleEndian)
  }

  /** A u64 that counts or places something: beyond 2^53 it cannot be true. */
  size64(what: string): number {
    const value = this.u64()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`${what} is ${value}, which cannot be`)
    return Number(value)
  }

  /** A copy of the next `length` bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const start = this.#take(length)
    return new Uint8Array(new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, length))
  }

  /** UTF-8 text of `length` bytes, ended early by a NUL where there is one. */
  text(length: number): string {
    const raw = this.bytes(length)
    const end = raw.indexOf(0)
    return new TextDecoder().decode(end < 0 ? raw : raw.subarray(0, end))
  }

  fail(detail: string): never {
    throw new SlotbenchError(this.#code, detail)
  }

  #take(length: number): number {
    const start = this.#position
    if (!Number.isSafeInteger(length) || length < 0 || length > this.remaining)
      this.fail(`${length} bytes wanted at offset ${start}, ${this.remaining} are there`)
    this.#position = start + length
    return start
  }
}
