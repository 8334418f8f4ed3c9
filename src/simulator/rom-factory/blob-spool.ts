// A temporary file for data that has to be known before what stands in front of it can be written.
import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SlotbenchError } from '../../shared/errors.ts'

export interface SpooledBlob {
  readonly offset: number
  readonly length: number
  readonly sha256: Buffer
}

const READ_PIECE = 1024 * 1024

export class BlobSpool {
  readonly #folder: string
  readonly #file: FileHandle
  #size = 0

  private constructor(folder: string, file: FileHandle) {
    this.#folder = folder
    this.#file = file
  }

  static async create(): Promise<BlobSpool> {
    const folder = await mkdtemp(join(tmpdir(), 'slotbench-rom-'))
    return new BlobSpool(folder, await open(join(folder, 'blobs'), 'w+'))
  }

  get size(): number {
    return this.#size
  }

  /** Adds what `parts` give as one blob after the last one. */
  async append(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<SpooledBlob> {
    const hash = createHash('sha256')
    const offset = this.#size
    for await (const part of parts) {
      hash.update(part)
      await this.#file.writev([part], this.#size)
      this.#size += part.length
    }
    return { offset, length: this.#size - offset, sha256: hash.digest() }
  }

  /** Everything in it, from the beginning. */
  async *read(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < this.#size; ) {
      const buffer = new Uint8Array(Math.min(READ_PIECE, this.#size - at))
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new SlotbenchError('host-io', 'the temporary file was cut short')
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
