// Storage as a Firehose programmer handles it: LUNs of sectors, ranges checked, every refusal in the words of real programmers.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { PowerLost, type SimulatedStorage } from '../storage/storage.ts'
import { evaluate } from './expressions.ts'

/** Words of the log line that a NAK comes with. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

export interface Sectors {
  readonly lun: number
  readonly start: number
  readonly count: number
}

const PIECE = 1024 * 1024
/** Beyond any partition table; keeps an expression from costing minutes. */
const MOST_CRC_BYTES = 16n * 1024n * 1024n
const DIGEST_PIECE = 4 * 1024 * 1024

export class SectorStorage {
  readonly #storage: SimulatedStorage
  readonly #alive: () => boolean
  readonly #writeFails: (place: { lun: number; sector: number; count: number }) => boolean

  constructor(
    storage: SimulatedStorage,
    alive: () => boolean,
    writeFails: (place: { lun: number; sector: number; count: number }) => boolean,
  ) {
    this.#storage = storage
    this.#alive = alive
    this.#writeFails = writeFails
  }

  get sectorSize(): number {
    return this.#storage.sectorSize
  }

  get lunCount(): number {
    return Math.max(0, ...this.#storage.luns.keys()) + 1
  }

  /** Sectors of the LUN. @throws Refusal where there is none. */
  sectorsOf(lun: number): number {
    const medium = this.#storage.luns.get(lun)
    if (!medium) throw new Refusal(`Failed to open the device:3 slot:0 partition:${lun} error:0`)
    return Math.floor(medium.size / this.sectorSize)
  }

  /** A number or an expression. @throws Refusal when it is neither. */
  async number(lun: number, text: string): Promise<bigint> {
    try {
      return await evaluate(text, {
        diskSectors: this.sectorsOf(lun),
        crc32: (start, bytes) => this.#crc(lun, start, bytes),
      })
    } catch (thrown) {
      if (thrown instanceof RangeError) throw new Refusal(thrown.message)
      throw thrown
    }
  }

  /** @throws Refusal when they do not lie on the LUN. */
  async range(lun: number, start: string, count: string): Promise<Sectors> {
    const disk = BigInt(this.sectorsOf(lun))
    const [from, length] = [await this.number(lun, start), await this.number(lun, count)]
    if (length < 1n) throw new Refusal(`num_partition_sectors ${length} is not allowed`)
    if (from < 0n || from + length > disk)
      throw new Refusal(`start_sector ${from} and ${length} sectors are out of range, the device has ${disk}`)
    return { lun, start: Number(from), count: Number(length) }
  }

  read({ lun, start }: Sectors, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#storage.read(lun, start * this.sectorSize + offset, length)
  }

  /** @param offset bytes from the start of the sectors, a whole number of them.
   * @throws Refusal when the storage reports an error; PowerLost. */
  async write({ lun, start }: Sectors, offset: number, bytes: Uint8Array): Promise<void> {
    const sector = start + Math.floor(offset / this.sectorSize)
    const count = Math.ceil(bytes.length / this.sectorSize)
    if (this.#writeFails({ lun, sector, count }))
      throw new Refusal(`storage_device_write: write failed at sector ${sector} of partition ${lun}, error 5`)
    await this.#storage.write(lun, start * this.sectorSize + offset, bytes)
  }

  async erase({ lun, start, count }: Sectors): Promise<void> {
    if (this.#writeFails({ lun, sector: start, count }))
      throw new Refusal(`storage_device_erase: erase failed at sector ${start} of partition ${lun}, error 5`)
    const end = (start + count) * this.sectorSize
    for (let at = start * this.sectorSize; at < end; at += PIECE)
      await this.#storage.discard(lun, at, Math.min(PIECE, end - at))
  }

  /** SHA-256 of the sectors. @param bytesPerSecond 0: as fast as it goes. @throws PowerLost. */
  async digest(sectors: Sectors, bytesPerSecond: number): Promise<string> {
    const hash = createHash('sha256')
    const size = sectors.count * this.sectorSize
    for (let at = 0; at < size; at += DIGEST_PIECE) {
      const piece = await this.read(sectors, at, Math.min(DIGEST_PIECE, size - at))
      hash.update(piece)
      if (bytesPerSecond > 0) await pause((piece.length / bytesPerSecond) * 1000)
      if (!this.#alive()) throw new PowerLost('the power was cut while digesting')
    }
    return hash.digest('hex')
  }

  /** @param value the boot LUN's slot. @throws PowerLost. */
  async setBootLun(value: 'a' | 'b'): Promise<void> {
    await this.#storage.setState({ bootLun: value })
  }

  async #crc(lun: number, start: bigint, bytes: bigint): Promise<bigint> {
    const size = BigInt(this.sectorsOf(lun)) * BigInt(this.sectorSize)
    const from = start * BigInt(this.sectorSize)
    if (start < 0n || bytes < 1n || bytes > MOST_CRC_BYTES || from + bytes > size)
      throw new RangeError(`CRC32(${start},${bytes}) is out of range`)
    return BigInt(crc32(await this.#storage.read(lun, Number(from), Number(bytes))))
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
