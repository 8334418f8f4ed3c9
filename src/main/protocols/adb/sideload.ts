// Giving a package to a recovery that asks for it block by block (LineageOS minadbd_services.cpp, AOSP adb commandline.cpp).
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { ByteSource } from '../../core/source.ts'
import type { AdbConnection } from './connection.ts'
import { ReadAhead } from './read-ahead.ts'
import type { ServiceStream } from './service-stream.ts'

/** In rescue mode the verdict is that of the installation; after a sideload minadbd says DONEDONE whatever became of it. */
export type SideloadService = 'sideload-host' | 'rescue-install'

export interface SideloadOptions extends IoOptions {
  /** Bytes of a block that the terminal asks for; 64 KiB when left out. */
  readonly blockBytes?: number
  /** Bytes up to the end of the highest block that was asked for, of all. Never goes back. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface Sideloaded {
  /** Bytes that went out, blocks that were asked for again included. */
  readonly sentBytes: number
}

/** What Google's adb gives out at a time. Recoveries take 4 KiB to 4 MiB, and at most 2^18 blocks (fuse_sideload.cpp of CyanogenMod,
 * LineageOS 16 and later: the same, but for the lower limit, which was 1 KiB at first). They keep one block in memory: who reads
 * here and there pays for a whole block each time. */
export const BLOCK_BYTES = 64 * 1024
const REQUEST_BYTES = 8
/** Between the last block and the verdict the recovery may still be writing; it says nothing meanwhile. */
const SILENCE_MS = 15 * 60_000
/** A recovery that installs reads the whole package to check its signature, and then most of it again. */
const LEAST_READ = 0.5

/** Serves the package until the terminal's verdict.
 * @throws SlotbenchError `sideload-refused` with what is known, `terminal-garbled` for a request that makes no sense,
 * `terminal-silent`, `terminal-gone`, `cancelled`, and whatever reading the file throws. */
export async function sideload(
  connection: AdbConnection,
  service: SideloadService,
  file: ByteSource,
  o: SideloadOptions,
): Promise<Sideloaded> {
  const blockBytes = o.blockBytes ?? BLOCK_BYTES
  const stream = await connection.open(`${service}:${file.size}:${blockBytes}`, o)
  try {
    return await serve(stream, file, { ...o, blockBytes })
  } finally {
    await stream.close()
  }
}

type Serving = SideloadOptions & { readonly blockBytes: number }

async function serve(stream: ServiceStream, file: ByteSource, o: Serving): Promise<Sideloaded> {
  const requests = new Requests(stream)
  const ahead = new ReadAhead(file, o.signal)
  const served = new Served(file.size, o.blockBytes)
  for (;;) {
    if (o.signal.aborted) throw abortError(o.signal)
    const request = await requests.next({ signal: o.signal, deadline: o.deadline.within(SILENCE_MS) })
    if (request === 'FAILFAIL') throw refused(`the terminal could not install the package; ${served}`)
    if (request === 'DONEDONE') return served.finish()
    if (request === undefined) throw refused(`the terminal ended without a verdict; ${served}`)
    const { offset, length } = served.block(request)
    const block = await ahead.read(offset, length)
    if (!(await given(stream, block, o))) continue
    const done = served.add(offset, length)
    o.onProgress?.(done, file.size)
  }
}

/** False when the terminal has closed the stream over it: what it said before that is still to be read. */
async function given(stream: ServiceStream, block: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<boolean> {
  try {
    await stream.write(block, o)
    return true
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'terminal-gone') return false
    throw thrown
  }
}

/** The terminal's side: eight characters at a time, however they are cut into packets. */
class Requests {
  readonly #stream: ServiceStream
  #text = ''

  constructor(stream: ServiceStream) {
    this.#stream = stream
  }

  /** Undefined at the end of the stream. */
  async next(o: IoOptions): Promise<string | undefined> {
    while (this.#text.length < REQUEST_BYTES) {
      const bytes = await this.#stream.read(o)
      if (bytes === undefined) return undefined
      this.#text += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    }
    const request = this.#text.slice(0, REQUEST_BYTES)
    this.#text = this.#text.slice(REQUEST_BYTES)
    return request
  }
}

/** What was given out so far. */
class Served {
  readonly #size: number
  readonly #blockBytes: number
  readonly #blocks: number
  readonly #given: Uint8Array
  #distinct = 0
  #highest = 0
  #sent = 0

  constructor(size: number, blockBytes: number) {
    this.#size = size
    this.#blockBytes = blockBytes
    this.#blocks = Math.ceil(size / blockBytes)
    this.#given = new Uint8Array(this.#blocks)
  }

  /** @throws SlotbenchError `terminal-garbled` for what is no block of this package. */
  block(request: string): { readonly offset: number; readonly length: number } {
    const number = /^\d{8}$/.test(request) ? Number(request) : undefined
    if (number === undefined || number >= this.#blocks)
      throw new SlotbenchError(
        'terminal-garbled',
        `the terminal asks for block ${JSON.stringify(request)} of ${this.#blocks}`,
      )
    const offset = number * this.#blockBytes
    return { offset, length: Math.min(this.#blockBytes, this.#size - offset) }
  }

  /** @returns bytes up to the end of the highest block. */
  add(offset: number, length: number): number {
    const number = offset / this.#blockBytes
    if (this.#given[number] === 0) this.#distinct += 1
    this.#given[number] = 1
    this.#sent += length
    this.#highest = Math.max(this.#highest, offset + length)
    return this.#highest
  }

  finish(): Sideloaded {
    if (this.#distinct < this.#blocks * LEAST_READ) throw refused(`the terminal says it is done, but ${this}`)
    return { sentBytes: this.#sent }
  }

  toString(): string {
    return `it read ${this.#distinct} of ${this.#blocks} blocks of the package`
  }
}

function refused(detail: string): SlotbenchError {
  return new SlotbenchError('sideload-refused', detail)
}
