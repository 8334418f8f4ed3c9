/** Which chunks of an index: one bit each, as the journal keeps them. */
export class ChunkSet {
  readonly count: number
  readonly #bits: Uint8Array<ArrayBuffer>
  #size = 0

  /** @param bits as `bits` gave them; what belongs to no chunk is left out. */
  constructor(count: number, bits?: Uint8Array) {
    this.count = count
    this.#bits = new Uint8Array(Math.ceil(count / 8))
    if (bits === undefined) return
    for (let i = 0; i < count; i++) if (((bits[i >> 3] ?? 0) >> (i & 7)) & 1) this.add(i)
  }

  get size(): number {
    return this.#size
  }

  has(i: number): boolean {
    return (((this.#bits[i >> 3] ?? 0) >> (i & 7)) & 1) === 1
  }

  add(i: number): void {
    if (i >= this.count || this.has(i)) return
    this.#bits[i >> 3] = (this.#bits[i >> 3] ?? 0) | (1 << (i & 7))
    this.#size++
  }

  delete(i: number): void {
    if (!this.has(i)) return
    this.#bits[i >> 3] = (this.#bits[i >> 3] ?? 0) & ~(1 << (i & 7))
    this.#size--
  }

  get bits(): Uint8Array<ArrayBuffer> {
    return this.#bits.slice()
  }
}
