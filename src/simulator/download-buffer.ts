// The bootloader's RAM for downloads: filled once per `download`, copied into once, kept for the next one.

export class DownloadBuffer {
  #memory = new Uint8Array(0)
  #expected = 0
  #filled = 0

  /** Makes room for `size` bytes; what was there is gone. */
  begin(size: number): void {
    // Memory that is large enough is used again: touching fresh pages costs more than copying into old ones.
    if (this.#memory.length < size) this.#memory = new Uint8Array(size)
    this.#expected = size
    this.#filled = 0
  }

  get missing(): number {
    return this.#expected - this.#filled
  }

  append(bytes: Uint8Array): void {
    this.#memory.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  /** The last download, whole; empty when there is none. Valid until the next `begin`. */
  get content(): Uint8Array<ArrayBuffer> {
    return this.missing === 0 ? this.#memory.subarray(0, this.#filled) : this.#memory.subarray(0, 0)
  }

  clear(): void {
    this.#expected = 0
    this.#filled = 0
  }
}
