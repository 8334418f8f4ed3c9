// Logical partitions of a terminal in EDL: the tables of super changed by our own hand, in the words of a session.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { type Bytes, bytes, type PartitionName, splitSlot } from '../../../shared/units.ts'
import { readSuper } from '../../core/formats/super.ts'
import { readRange } from '../../core/rom/read-range.ts'
import type { ImageSource } from '../../core/source.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import {
  logicalRanges,
  mergedTables,
  metadataSlot,
  type SuperTablesOf,
  sameGeometry,
  withLogical,
  withoutLogical,
  withoutSnapshot,
} from '../../core/storage/super-edit.ts'
import type { SectorIo } from './sector-io.ts'
import {
  agrees,
  readSuperOn,
  type SuperOnTerminal,
  type SuperPlace,
  writeSuperOn,
} from './super-on-terminal.ts'

/** Tables of super are a few hundred kilobytes. */
const MAX_TABLES = 16 * 1024 * 1024
const TABLES_BYTES = 1024 * 1024

/** Super of one terminal. Its tables are read anew for every change: whatever lies on super may have been written meanwhile. */
export class LogicalPartitions {
  readonly #io: SectorIo
  readonly #where: SuperPlace

  constructor(io: SectorIo, where: SuperPlace) {
    this.#io = io
    this.#where = where
  }

  /** The sectors in which its tables may lie: no logical partition begins in the first MiB (liblp aligns the first one to it). */
  get tables(): SectorRange {
    const { range, sectorSize } = this.#where.place
    return { ...range, count: Math.min(range.count, TABLES_BYTES / sectorSize) }
  }

  /** Undefined when no copy of its tables is whole. */
  async read(o: IoOptions): Promise<SuperOnTerminal | undefined> {
    return await readSuperOn(this.#io, this.#where, o)
  }

  /** Where the partition lies; undefined when there is none of that name. */
  async find(target: string, o: IoOptions): Promise<readonly SectorRange[] | undefined> {
    const tables = await this.read(o)
    if (tables?.metadata.partitions.some(({ name }) => name === target) !== true) return undefined
    return logicalRanges(tables.metadata, target, this.#where.place)
  }

  /** Done as well when there is none of that name. */
  async delete(target: PartitionName, o: IoOptions): Promise<void> {
    const tables = await this.#tables(o)
    await this.#write({ ...tables, metadata: withoutLogical(tables, target) }, o)
  }

  async resize(
    target: PartitionName,
    size: Bytes,
    o: IoOptions & { readonly orAnew?: boolean },
  ): Promise<void> {
    const tables = await this.#tables(o)
    const change = { name: target, size, orAnew: o.orAnew }
    await this.#write({ ...tables, metadata: withLogical(tables, change) }, o)
  }

  /** Before its content is written: its slot has to find it at the very place that is written to, and must not look for it in a snapshot
   * of an update that was never finished. */
  async prepare(target: PartitionName, o: IoOptions): Promise<void> {
    const tables = await this.#tables(o)
    const metadata = withoutSnapshot(tables, target)
    const { slot } = splitSlot(target)
    const own = { metadata, slot: metadataSlot(slot ?? this.#where.active), name: target }
    const agreed = metadata === tables.metadata && (await agrees(this.#io, this.#where, own, o))
    if (!agreed) await this.#write({ ...tables, metadata }, o)
  }

  /** @throws SlotbenchError `super-invalid` for an image that is none of lpmake's metadata images, for tables of another super, and for
   * those that do not go together with what is kept. */
  async replace(image: ImageSource, wipe: boolean, o: IoOptions): Promise<void> {
    const fresh = await parseTables(image, o.signal)
    const old = await this.read(o)
    if (wipe || old === undefined) {
      const slots = Array.from({ length: fresh.geometry.slotCount }, (_, slot) => slot)
      await writeSuperOn(this.#io, this.#where, { ...fresh, slots }, o)
      return
    }
    if (!sameGeometry(old.geometry, fresh.geometry))
      throw new SlotbenchError(
        'super-invalid',
        'the new tables of super are laid out in another way than those on the terminal; only a wipe replaces them',
      )
    await this.#write(mergedTables(fresh, old, { active: this.#where.active }), o)
  }

  async #write(tables: SuperTablesOf, o: IoOptions): Promise<void> {
    await writeSuperOn(this.#io, this.#where, tables, o)
  }

  async #tables(o: IoOptions): Promise<SuperTablesOf> {
    const tables = await this.read(o)
    if (tables === undefined)
      throw new SlotbenchError('super-invalid', 'the tables of super on the terminal cannot be read')
    return tables
  }
}

async function parseTables(image: ImageSource, signal: AbortSignal): Promise<SuperTablesOf> {
  if (image.size > MAX_TABLES)
    throw new SlotbenchError('image-too-large', `${image.size} bytes are too many for the tables of super`)
  const content = await readRange(image, { offset: 0, length: image.size }, signal)
  const source = {
    name: 'the tables of super',
    size: bytes(content.length),
    read: async (offset: number, length: number) => content.slice(offset, offset + length),
    close: async () => {},
  }
  const { form, geometry, metadata } = await readSuper(source, { signal })
  if (form === 'metadata') return { geometry, metadata }
  throw new SlotbenchError('super-invalid', 'this is a whole super, not lpmake’s image of its tables')
}
