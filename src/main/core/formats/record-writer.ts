// Writes fixed-layout records field by field; a value that does not fit its field is one SlotbenchError.
import { type ErrorCode, SlotbenchError } from '../../../shared/errors.ts'

export class RecordWriter {
  #bytes = new Uint8Array(256)
  #length = 0
  readonly #littleEndian: boolean
  readonly #code: ErrorCode

  /** @param code the error code of a value that does not fit. */
  constructor(order: 'little' | 'big', code: ErrorCode) {
    this.#littleEndian = order === 'little'
    this.#code = code
  }

  u8(value: number): this {
    this.#check(value, 8)
    this.#grow(1).setUint8(0, value)
    return this
  }

  u32(value: number): this {
    this.#check(value, 32)
    this.#grow(4).setUint32(0, value, this.#littleEndian)
    return this
  }

  u64(value: number | bigint): this {
    this.#check(value, 64)
    this.#grow(8).setBigUint64(0, BigInt(value), this.#littleEndian)
    return this
  }

  bytes(value: Uint8Array): this {
    const view = this.#grow(value.byteLength)
    this.#bytes.set(value, view.byteOffset)
    return this
  }

  zeros(length: number): this {
    this.#grow(length)
    return this
  }

  /** UTF-8 in a field of `length` bytes, filled up with NULs. */
  text(value: string, length: number): this {
    const encoded = new TextEncoder().encode(value)
    if (encoded.byteLength > length)
      throw new SlotbenchError(this.#code, `${JSON.stringify(value)} is longer than ${length} bytes`)
    return this.bytes(encoded).zeros(length - encoded.byteLength)
  }

  /** Zeros up to the next multiple of `multiple`. */
  padTo(multiple: number): this {
    return this.zeros((multiple - (this.#length % multiple)) % multiple)
  }

  /** What was written, as a buffer of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  #grow(length: number): DataView<ArrayBuffer> {
    const end = this.#length + length
    if (end > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.byteLength))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    const view = new DataView(this.#bytes.buffer, this.#length, length)
    this.#length = end
    return view
  }

  #check(value: number | bigint, bits: number): void {
    const whole = typeof value === 'bigint' || Number.isSafeInteger(value)
    if (!whole || value < 0 || BigInt(value) >> BigInt(bits) !== 0n)
      throw new SlotbenchError(this.#code, `${value} does not fit ${bits} bits`)
  }
}
