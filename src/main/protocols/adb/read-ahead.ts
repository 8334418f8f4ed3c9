// A package in memory just ahead of whoever reads it: windows of a mebibyte, the next one fetched while this one goes out.
import type { ByteSource } from '../../core/source.ts'

const WINDOW_BYTES = 1024 * 1024
/** Recoveries check the signature from front to back, then jump between the directory at the end and the entries. */
const MAX_WINDOWS = 8

interface Window {
  readonly number: number
  readonly memory: Uint8Array<ArrayBuffer>
  readonly filled: Promise<void>
}

/** The memory of the windows is used again and again: allocating a gigabyte in mebibytes costs a tenth of the time in garbage. */
export class ReadAhead {
  readonly #source: ByteSource
  readonly #signal: AbortSignal
  /** The one used longest ago first. */
  #windows: Window[] = []

  constructor(source: ByteSource, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  /** A view into a window, good until the next read. The range must lie within one window and the source. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const number = Math.floor(offset / WINDOW_BYTES)
    const window = this.#window(number)
    if ((number + 1) * WINDOW_BYTES < this.#source.size) this.#window(number + 1)
    const start = offset - number * WINDOW_BYTES
    await window.filled
    return window.memory.subarray(start, start + length)
  }

  #window(number: number): Window {
    const known = this.#windows.find((window) => window.number === number)
    const window = known ?? this.#fetch(number)
    this.#windows = [...this.#windows.filter((other) => other !== window), window]
    return window
  }

  #fetch(number: number): Window {
    const oldest = this.#windows.length >= MAX_WINDOWS ? this.#windows.shift() : undefined
    const memory = oldest?.memory ?? new Uint8Array(WINDOW_BYTES)
    const offset = number * WINDOW_BYTES
    const target = memory.subarray(0, Math.min(WINDOW_BYTES, this.#source.size - offset))
    // The memory may still be being filled for its former number.
    const filled = (oldest?.filled ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#fill(target, offset))
    const window = { number, memory, filled }
    // One that nobody comes to read may fail unseen; one that somebody does read is tried again the next time.
    filled.catch(() => {
      this.#windows = this.#windows.filter((other) => other !== window)
    })
    return window
  }

  async #fill(target: Uint8Array<ArrayBuffer>, offset: number): Promise<void> {
    if (this.#source.readInto) await this.#source.readInto(target, offset, this.#signal)
    else target.set(await this.#source.read(offset, target.length, this.#signal))
  }
}
