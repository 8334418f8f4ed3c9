// The partitions of a terminal: found through the GPT of each LUN, read and written by name.
import { createHash } from 'node:crypto'
import { encodeGpt, type GptEntry, type GptTable, readGpt } from '../../main/core/formats/gpt.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { type Sha256, sha256 } from '../../shared/units.ts'
import type { SimulatedStorage } from './storage.ts'

export interface Partition {
  readonly name: string
  readonly lun: number
  /** Bytes from the start of the LUN. */
  readonly offset: number
  /** Bytes. */
  readonly size: number
  /** A logical partition is put together of runs, in order; `lun` and `offset` are those of the first. */
  readonly runs?: readonly Run[]
}

/** Bytes that lie together on a LUN. */
export interface Run {
  readonly lun: number
  readonly offset: number
  readonly size: number
}

const PIECE = 4 * 1024 * 1024

/** The runs that hold `length` bytes from `offset` on, each with its place within those bytes. */
function runsOf(
  partition: Partition,
  offset: number,
  length: number,
): readonly { readonly at: number; readonly run: Run }[] {
  let start = 0
  return (partition.runs ?? [partition]).flatMap((run) => {
    const [from, to] = [Math.max(start, offset), Math.min(start + run.size, offset + length)]
    const part = { lun: run.lun, offset: run.offset + from - start, size: to - from }
    start += run.size
    return part.size > 0 ? [{ at: from - offset, run: part }] : []
  })
}

export class Disk {
  readonly storage: SimulatedStorage
  readonly #tables = new Map<number, GptTable>()
  /** LUNs whose primary table was found damaged: there only the backup holds the truth. */
  readonly #onBackup = new Set<number>()
  readonly #partitions = new Map<string, Partition>()

  private constructor(storage: SimulatedStorage) {
    this.storage = storage
  }

  /** Reads the tables as a bootloader does at each start: a LUN without a valid one has no partitions. */
  static async load(storage: SimulatedStorage): Promise<Disk> {
    const disk = new Disk(storage)
    for (const [lun, medium] of storage.luns) {
      const read = (offset: number, length: number) => storage.read(lun, offset, length)
      const sectors = Math.floor(medium.size / storage.sectorSize)
      const reading = await readGpt(read, storage.sectorSize, sectors).catch((thrown: unknown) => {
        if (thrown instanceof SlotbenchError && thrown.code === 'gpt-invalid') return undefined
        throw thrown
      })
      if (!reading) continue
      disk.#take(lun, reading.table)
      if (reading.primary !== 'valid') disk.#onBackup.add(lun)
    }
    return disk
  }

  get partitions(): IterableIterator<Partition> {
    return this.#partitions.values()
  }

  find(name: string): Partition | undefined {
    return this.#partitions.get(name)
  }

  /** @throws SlotbenchError `internal` when there is none of that name. */
  get(name: string): Partition {
    const partition = this.find(name)
    if (!partition) throw new SlotbenchError('internal', `the simulated terminal has no partition ${name}`)
    return partition
  }

  entry(name: string): GptEntry | undefined {
    const partition = this.find(name)
    return partition && this.#tables.get(partition.lun)?.entries.find((entry) => entry.name === name)
  }

  async read(
    partition: Partition,
    offset = 0,
    length = partition.size - offset,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length)
    for (const { at, run } of runsOf(partition, offset, length))
      bytes.set(await this.storage.read(run.lun, run.offset, run.size), at)
    return bytes
  }

  async write(partition: Partition, offset: number, bytes: Uint8Array): Promise<void> {
    if (offset + bytes.length > partition.size)
      throw new SlotbenchError('internal', `a write beyond the end of ${partition.name}`)
    for (const { at, run } of runsOf(partition, offset, bytes.length))
      await this.storage.write(run.lun, run.offset, bytes.subarray(at, at + run.size))
  }

  async erase(partition: Partition): Promise<void> {
    for (const { run } of runsOf(partition, 0, partition.size))
      await this.storage.discard(run.lun, run.offset, run.size)
  }

  /** In order, in pieces of at most 4 MiB. */
  async *pieces(partition: Partition, length = partition.size): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < length; at += PIECE)
      yield await this.read(partition, at, Math.min(PIECE, length - at))
  }

  async digest(partition: Partition): Promise<Sha256> {
    const hash = createHash('sha256')
    for await (const piece of this.pieces(partition)) hash.update(piece)
    return sha256(hash.digest('hex'))
  }

  /** Rewrites the entries of every LUN on which `change` changes one, LUN `last` at the end.
   * The copy that nobody relies on goes first: whichever a power cut tears, the other one is whole. */
  async changeEntries(change: (entry: GptEntry) => GptEntry, last?: number): Promise<void> {
    const luns = [...this.#tables.keys()].sort((a, b) => Number(a === last) - Number(b === last) || a - b)
    for (const lun of luns) {
      const table = this.#tables.get(lun)
      if (!table) continue
      const entries = table.entries.map(change)
      if (entries.every((entry, i) => entry === table.entries[i])) continue
      await this.writeTable(lun, { ...table, entries })
    }
  }

  async writeTable(lun: number, table: GptTable): Promise<void> {
    const { primary, backup } = encodeGpt(table)
    for (const copy of this.#onBackup.has(lun) ? [primary, backup] : [backup, primary]) {
      await this.storage.write(lun, copy.lba * this.storage.sectorSize, copy.bytes)
    }
    this.#onBackup.delete(lun)
    this.#take(lun, table)
  }

  #take(lun: number, table: GptTable): void {
    this.#tables.set(lun, table)
    for (const entry of table.entries) {
      this.#partitions.set(entry.name, {
        name: entry.name,
        lun,
        offset: entry.firstLba * table.sectorSize,
        size: (entry.lastLba - entry.firstLba + 1) * table.sectorSize,
      })
    }
  }
}
