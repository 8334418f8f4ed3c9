// A terminal in EDL with a programmer running on it, opened: its partitions written, read, digested; its slots and super changed.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { BayId, Bytes, PartitionName, Sha256, Slot } from '../../../shared/units.ts'
import type { GptTable } from '../../core/formats/gpt.ts'
import type { ImageSource } from '../../core/source.ts'
import { findPartition, placedPartitions } from '../../core/storage/partitions.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type {
  Capabilities,
  ChangeOptions,
  DigestOptions,
  EdlDisk,
  EdlSession,
  RebootTarget,
  ResizeOptions,
  WriteOptions,
  WriteReceipt,
} from '../types.ts'
import { ContentIo, type Place } from './content-io.ts'
import { type EdlOrigin, type EdlReading, factsOf } from './facts.ts'
import { checkBounds, checkOwnStays, checkSectorsUnprotected, checkUnprotected } from './guards.ts'
import { LogicalPartitions } from './logical.ts'
import { bootWish, Misc } from './misc.ts'
import { tablesOf } from './read-storage.ts'
import { readTerminal, superPlaceOf } from './read-terminal.ts'
import { SectorIo } from './sector-io.ts'
import { switchSlot } from './switch-slot.ts'
import { writeTable } from './write-table.ts'

/** What a name stands for. */
interface Located extends Place {
  readonly logical: boolean
}

/** Reads everything that the terminal tells. The caller closes the programmer when this throws.
 * @throws SlotbenchError `terminal-*`. */
export async function edlSession(
  firehose: Firehose,
  origin: EdlOrigin & { readonly bay: BayId },
  o: IoOptions,
): Promise<EdlSession> {
  return new ProgrammerSession(firehose, origin, await readTerminal(firehose, o))
}

class ProgrammerSession implements EdlSession {
  readonly protocol = 'edl'
  readonly bay: BayId
  readonly #firehose: Firehose
  readonly #origin: EdlOrigin
  readonly #io: SectorIo
  readonly #content: ContentIo
  #reading: EdlReading
  #facts: TerminalFacts

  constructor(firehose: Firehose, origin: EdlOrigin & { readonly bay: BayId }, reading: EdlReading) {
    this.bay = origin.bay
    this.#firehose = firehose
    this.#origin = origin
    this.#io = new SectorIo(firehose)
    this.#content = new ContentIo(firehose, () => this.#reading.digests)
    this.#reading = reading
    this.#facts = factsOf(reading, origin)
  }

  get facts(): TerminalFacts {
    return this.#facts
  }

  get disks(): readonly EdlDisk[] {
    return this.#reading.disks
  }

  get can(): Capabilities {
    const { writable } = this.#reading
    return {
      readBack: true,
      setActive: writable && (this.#facts.slotCount?.value ?? 0) >= 2,
      logicalPartitions: writable && this.#facts.superPartition !== undefined,
    }
  }

  async refresh(o: IoOptions): Promise<TerminalFacts> {
    return await this.#placed(() => this.#readAll(o))
  }

  /** The tables name every partition there is, so nothing more is to be asked. */
  async describe(_names: readonly string[], _o: IoOptions): Promise<TerminalFacts> {
    return this.#facts
  }

  async write(target: PartitionName, image: ImageSource, o: WriteOptions): Promise<WriteReceipt> {
    return await this.#changing(async () => {
      if (o.restore !== true) checkUnprotected(target)
      const found = await this.#locate(target, io(o))
      checkFits(found, image)
      if (found.logical) await this.#prepare(target, io(o))
      return await this.#content.write(found, image, o)
    })
  }

  async digest(target: PartitionName, size: Bytes, o: DigestOptions): Promise<Sha256> {
    return await this.#placed(async () => this.#content.digest(await this.#locate(target, io(o)), size, o))
  }

  async *read(
    target: PartitionName,
    size: Bytes,
    o: IoOptions,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    try {
      yield* this.#content.read(await this.#locate(target, o), size, o)
    } catch (thrown) {
      throw this.#at(thrown)
    }
  }

  async erase(target: PartitionName, o: ChangeOptions): Promise<void> {
    await this.#changing(async () => {
      if (o.restore !== true) checkUnprotected(target)
      await this.#content.erase(await this.#locate(target, io(o)), io(o))
    })
  }

  async setActive(slot: Slot, o: IoOptions): Promise<void> {
    await this.#changing(async () => {
      this.#forget('misc')
      await this.#andReadAgain(() => switchSlot(this.#firehose, this.#reading, slot, o), o)
    })
  }

  async deleteLogical(target: PartitionName, o: IoOptions): Promise<void> {
    await this.#changeSuper((partitions) => partitions.delete(target, o), o)
  }

  async resizeLogical(target: PartitionName, size: Bytes, o: ResizeOptions): Promise<void> {
    await this.#changeSuper((partitions) => partitions.resize(target, size, o), o)
  }

  async updateSuper(tables: ImageSource, wipe: boolean, o: WriteOptions): Promise<void> {
    await this.#changeSuper((partitions) => partitions.replace(tables, wipe, io(o)), io(o))
  }

  async snapshotUpdate(action: 'cancel' | 'merge', o: IoOptions): Promise<void> {
    await this.#changing(async () => {
      const misc = Misc.in(this.disks, this.#io)
      const update = (await misc?.read(o))?.update
      // Nothing was ever staged, or what was is settled.
      if (misc !== undefined && (update === undefined || ['none', 'cancelled'].includes(update.status)))
        return
      if (misc === undefined || action === 'merge' || update?.status !== 'snapshotted')
        throw new SlotbenchError('snapshot-failed', refusalOf(action, update?.status))
      this.#forget('misc')
      await this.#andReadAgain(() => misc.cancelUpdate(o), o)
    })
  }

  async programSectors(range: SectorRange, image: ImageSource, o: WriteOptions): Promise<WriteReceipt> {
    return await this.#changing(async () => {
      const found = this.#sectors(range)
      if (o.restore !== true) checkSectorsUnprotected(checkBounds(this.disks, range), range)
      checkFits(found, image)
      const receipt = await this.#content.write(found, image, o)
      // With a word for it, tables may have been among the sectors.
      if (o.restore === true) await this.#readAll(io(o))
      return receipt
    })
  }

  async *readSectors(range: SectorRange, o: IoOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    try {
      const found = this.#sectors(range)
      yield* this.#content.read(found, range.count * found.sectorSize, o)
    } catch (thrown) {
      throw this.#at(thrown)
    }
  }

  async digestSectors(range: SectorRange, o: DigestOptions): Promise<Sha256> {
    return await this.#placed(async () => {
      const found = this.#sectors(range)
      return await this.#content.digest(found, range.count * found.sectorSize, o)
    })
  }

  async eraseSectors(range: SectorRange, o: ChangeOptions): Promise<void> {
    await this.#changing(async () => {
      const disk = checkBounds(this.disks, range)
      if (o.restore !== true) checkSectorsUnprotected(disk, range)
      await this.#content.erase(this.#sectors(range), io(o))
      if (o.restore === true) await this.#readAll(io(o))
    })
  }

  async writeTable(lun: number, table: GptTable, o: ChangeOptions): Promise<void> {
    await this.#changing(async () => {
      const disk = checkBounds(this.disks, { lun, first: 0, count: 1 })
      if (o.restore !== true) checkOwnStays(disk, table)
      this.#content.forgetAll()
      await this.#andReadAgain(() => writeTable(this.#firehose, disk, table, io(o)), io(o))
    })
  }

  /** Where the boot chain is asked by a message in misc, whatever of the terminal still boots has to read it. */
  async reboot(to: RebootTarget, o: IoOptions): Promise<void> {
    await this.#placed(async () => {
      const wish = bootWish(to)
      if (wish !== undefined) {
        this.#mustWrite()
        const misc = Misc.in(this.disks, this.#io)
        if (misc === undefined)
          throw new SlotbenchError(
            'terminal-refused',
            `the terminal has no misc partition in which it could be asked for ${to}; restart it and use its keys`,
          )
        await misc.askFor(wish, o)
      }
      await this.#firehose.power(to === 'edl' ? 'reset_to_edl' : 'reset', o)
    })
    await this.close()
  }

  async close(): Promise<void> {
    await this.#firehose.close()
  }

  async #changeSuper(change: (partitions: LogicalPartitions) => Promise<void>, o: IoOptions): Promise<void> {
    await this.#changing(async () => {
      const partitions = this.#logical()
      this.#content.forget([partitions.tables])
      await this.#andReadAgain(() => change(partitions), o)
    })
  }

  async #prepare(target: PartitionName, o: IoOptions): Promise<void> {
    const partitions = this.#logical()
    this.#content.forget([partitions.tables])
    await partitions.prepare(target, o)
  }

  #logical(): LogicalPartitions {
    const where = superPlaceOf(this.#reading)
    if (where === undefined)
      throw new SlotbenchError(
        'terminal-wrong-mode',
        'this terminal has no super, and so no logical partitions',
      )
    return new LogicalPartitions(this.#io, where)
  }

  /** @throws SlotbenchError `terminal-refused` when there is none of that name, `gpt-invalid` when there are several. */
  async #locate(target: PartitionName, o: IoOptions): Promise<Located> {
    const physical = findPartition(tablesOf(this.disks), target)
    if (physical !== undefined) {
      const logical = this.#reading.super?.metadata.partitions.some(({ name }) => name === target)
      if (logical === true)
        throw new SlotbenchError(
          'gpt-invalid',
          `${target} is a partition of LUN ${physical.range.lun} and of super; which one is meant cannot be told`,
        )
      return { name: target, ranges: [physical.range], sectorSize: physical.sectorSize, logical: false }
    }
    const where = superPlaceOf(this.#reading)
    const ranges = where && (await new LogicalPartitions(this.#io, where).find(target, o))
    if (where !== undefined && ranges !== undefined)
      return { name: target, ranges, sectorSize: where.place.sectorSize, logical: true }
    throw new SlotbenchError('terminal-refused', `no table of the terminal names a partition ${target}`)
  }

  #sectors(range: SectorRange): Located {
    const { lun, sectorSize } = checkBounds(this.disks, range)
    const name = `sectors ${range.first}+${range.count} of LUN ${lun}`
    return { name, ranges: [range], sectorSize, logical: false }
  }

  async #readAll(o: IoOptions): Promise<TerminalFacts> {
    this.#reading = await readTerminal(this.#firehose, o)
    this.#facts = factsOf(this.#reading, this.#origin)
    return this.#facts
  }

  /** What was read before holds no more, however far the work came. */
  async #andReadAgain(work: () => Promise<unknown>, o: IoOptions): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      // A link that broke says so here once more, and that is not the reason.
      await this.#readAll(o).catch(() => undefined)
      throw thrown
    }
    await this.#readAll(o)
  }

  #forget(partition: string): void {
    const found = placedPartitions(tablesOf(this.disks)).filter(({ name }) => name === partition)
    this.#content.forget(found.map(({ range }) => range))
  }

  #mustWrite(): void {
    if (!this.#reading.writable)
      throw new SlotbenchError('loader-read-only', 'the loader that runs on this terminal only reads')
  }

  async #changing<T>(work: () => Promise<T>): Promise<T> {
    return await this.#placed(async () => {
      this.#mustWrite()
      return await work()
    })
  }

  async #placed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      throw this.#at(thrown)
    }
  }

  #at(thrown: unknown): SlotbenchError {
    const terminal = this.#facts.chipSerial?.value
    return asSlotbenchError(thrown).at({ bay: this.bay, ...(terminal !== undefined && { terminal }) })
  }
}

function checkFits({ name, ranges, sectorSize }: Located, image: ImageSource): void {
  const room = ranges.reduce((sum, { count }) => sum + count * sectorSize, 0)
  if (image.size > room)
    throw new SlotbenchError('image-too-large', `${image.size} bytes do not fit into ${name} (${room} bytes)`)
}

function refusalOf(action: 'cancel' | 'merge', status: string | undefined): string {
  if (status === undefined) return 'the terminal has no misc partition, in which a staged update is noted'
  if (action === 'merge')
    return 'a staged update is merged by the terminal’s own system, not in EDL: let it boot'
  return `the staged update is ${status}; it cannot be dropped any more`
}

function io({ signal, deadline }: IoOptions): IoOptions {
  return { signal, deadline }
}
