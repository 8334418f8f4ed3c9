// Bytes that have arrived and have not been asked for, taken out in pieces of any size.

export class ByteQueue {
  #chunks: Uint8Array<ArrayBuffer>[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(chunk: Uint8Array<ArrayBuffer>): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** The first `count` bytes, which must be there, in memory of their own: the consumer may hand it to another thread. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const first = this.#chunks[0]
    this.#length -= count
    if (first !== undefined && first.length > count) {
      this.#chunks[0] = first.subarray(count)
      return first.slice(0, count)
    }
    if (first !== undefined && first.length === count) {
      this.#chunks.shift()
      return first
    }
    return this.#join(count)
  }

  #join(count: number): Uint8Array<ArrayBuffer> {
    const joined = new Uint8Array(count)
    let filled = 0
    let used = 0
    for (const chunk of this.#chunks) {
      if (filled === count) break
      const part = chunk.subarray(0, count - filled)
      joined.set(part, filled)
      filled += part.length
      if (part.length === chunk.length) used += 1
      else this.#chunks[used] = chunk.subarray(part.length)
    }
    this.#chunks.splice(0, used)
    return joined
  }
}
