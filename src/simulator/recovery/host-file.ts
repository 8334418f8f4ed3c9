// The package as recovery sees it: a file whose blocks lie on the host and are asked for when they are read (AOSP fuse_sideload.cpp).
import { crc32 } from 'node:zlib'
import { release } from '../../main/core/release.ts'
import type { ByteSource } from '../../main/core/source.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { type Bytes, bytes } from '../../shared/units.ts'
import type { SideloadFault } from '../adb/behaviour.ts'
import type { AdbStream } from '../adb/stream.ts'
import type { FaultInjector } from '../fault-injector.ts'
import { LinkLost } from '../host-link.ts'
import { PowerLost } from '../storage/storage.ts'

export interface HostFileOptions {
  readonly size: number
  readonly blockSize: number
  /** Blocks that stay in memory. */
  readonly cacheBlocks: number
  readonly faults: readonly SideloadFault[]
  injector(): FaultInjector
}

type Block = Uint8Array<ArrayBuffer>

interface Numbered {
  readonly number: number
  readonly block: Promise<Block>
}

export class HostFile implements ByteSource {
  readonly name = 'package.zip'
  readonly size: Bytes
  readonly #stream: AdbStream
  readonly #options: HostFileOptions
  readonly #blocks: number
  readonly #cache = new Map<number, Block>()
  /** Of every block that was read once: the host must not give another one later. */
  readonly #known = new Map<number, number>()
  #current: Numbered | undefined
  /** The block after the last one, asked for before anyone wants it, as the kernel reads ahead. */
  #ahead: Numbered | undefined
  #requests = 0

  constructor(stream: AdbStream, options: HostFileOptions) {
    this.#stream = stream
    this.#options = options
    this.size = bytes(options.size)
    this.#blocks = Math.ceil(options.size / options.blockSize)
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw new SlotbenchError('source-truncated', `${this.name} ends before byte ${offset + length}`)
    const { blockSize } = this.#options
    const target = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const number = Math.floor((offset + done) / blockSize)
      const within = offset + done - number * blockSize
      const block = await this.#block(number)
      const piece = block.subarray(within, within + length - done)
      target.set(piece, done)
      done += piece.length
    }
    return target
  }

  async close(): Promise<void> {}

  async #block(number: number): Promise<Block> {
    const cached = this.#cache.get(number)
    if (cached !== undefined) return cached
    const last = this.#current
    if (last?.number === number) return last.block
    const sequential = last?.number === number - 1
    if (last !== undefined && !this.#cache.has(last.number)) last.block.then(release, () => {})
    const current = { number, block: this.#fetched(number) }
    this.#current = current
    const block = await current.block
    if (sequential && number + 1 < this.#blocks && !this.#cache.has(number + 1))
      this.#ahead = this.#readAhead(number + 1)
    return block
  }

  #readAhead(number: number): Numbered {
    const block = this.#fetch(number)
    // Whoever takes it hears of a failure then.
    block.catch(() => {})
    return { number, block }
  }

  async #fetched(number: number): Promise<Block> {
    const ahead = this.#ahead
    this.#ahead = undefined
    if (ahead?.number === number) return ahead.block
    // One request at a time: the answer to the one before comes first.
    await ahead?.block
    return this.#fetch(number)
  }

  async #fetch(number: number): Promise<Block> {
    this.#requests += 1
    const { size, blockSize, injector } = this.#options
    await this.#request(number)
    const block = await this.#receive(Math.min(blockSize, size - number * blockSize))
    const struck = injector().download(block.length)
    if (struck === 'disconnect') throw new LinkLost('a planned fault drops the link')
    if (struck === 'power-cut') throw new PowerLost('a planned fault cuts the power')
    const checksum = crc32(block)
    if ((this.#known.get(number) ?? checksum) !== checksum)
      throw new SlotbenchError(
        'source-truncated',
        `block ${number} is not what it was when it was read before`,
      )
    this.#known.set(number, checksum)
    if (this.#cache.size < this.#options.cacheBlocks) this.#cache.set(number, block)
    return block
  }

  async #request(number: number): Promise<void> {
    const fault = this.#options.faults.find((one) => 'request' in one && one.request === this.#requests)
    switch (fault?.kind) {
      case 'stall':
        // Whatever else the host sends is swallowed, until it goes.
        while ((await this.#stream.read()) !== undefined);
        throw new LinkLost('the host gave up waiting')
      case 'drop-link':
        throw new LinkLost('a planned fault drops the link')
      case 'block-outside':
        return this.#ask(String(this.#blocks).padStart(8, '0'))
      case 'garbage-request':
        return this.#ask('\xff?-1;\x00zz')
      default:
        return this.#ask(String(number).padStart(8, '0'))
    }
  }

  #ask(words: string): Promise<void> {
    return this.#stream.write(new Uint8Array(Buffer.from(words, 'latin1')))
  }

  /** Uncopied where the host sends the block in one piece. */
  async #receive(length: number): Promise<Block> {
    const first = await this.#stream.read(length)
    if (first?.length === length) return first
    const block = new Uint8Array(length)
    if (first !== undefined) block.set(first)
    await this.#stream.fill(block.subarray(first?.length ?? 0))
    return block
  }
}
