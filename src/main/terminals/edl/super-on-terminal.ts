// The tables of super on a terminal in EDL: read from the copy that its bootloader's slot uses, and written to all that belong to slots.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { bytes, type Slot } from '../../../shared/units.ts'
import { readSuper } from '../../core/formats/super.ts'
import {
  parseGeometry,
  parseMetadata,
  type SuperGeometry,
  type SuperMetadata,
} from '../../core/formats/super-metadata.ts'
import type { ByteSource } from '../../core/source.ts'
import { copyOrder } from '../../core/storage/copy-order.ts'
import type { PlacedPartition } from '../../core/storage/partitions.ts'
import {
  bootMetadataSlots,
  checkDevice,
  geometryCopies,
  metadataCopies,
  metadataSlot,
  type SuperTablesOf,
  type TwoCopies,
} from '../../core/storage/super-edit.ts'
import { type Lun, offsetIn, type SectorIo } from './sector-io.ts'

export interface SuperPlace {
  readonly lun: Lun
  readonly place: PlacedPartition
  /** The slot that boots: its tables are the ones that count, for the terminal and for every change (AOSP fastboot/device/commands.cpp,
   * GetSuperSlotSuffix). */
  readonly active: Slot | undefined
  readonly hasSlots: boolean
}

export interface SuperOnTerminal extends SuperTablesOf {
  /** The metadata slot that was read: that of the active slot, or another one where that is damaged. */
  readonly slot: number
  /** Copies that are damaged, in words. */
  readonly damaged: readonly string[]
}

/** The tables that count; where those of the active slot are lost, those of the other one. Undefined when no copy is whole. */
export async function readSuperOn(
  io: SectorIo,
  where: SuperPlace,
  o: IoOptions,
): Promise<SuperOnTerminal | undefined> {
  const first = metadataSlot(where.active)
  for (const slot of [first, 1 - first]) {
    const tables = await readSlot(io, where, slot, o)
    if (tables !== undefined) return tables
  }
  return undefined
}

/** The tables of one metadata slot. */
export async function readSlot(
  io: SectorIo,
  where: SuperPlace,
  slot: number,
  o: IoOptions,
): Promise<SuperOnTerminal | undefined> {
  try {
    const { form, geometry, metadata, damaged } = await readSuper(superSource(io, where, o), {
      signal: o.signal,
      slot,
    })
    return form === 'whole' ? { geometry, metadata, slot, damaged } : undefined
  } catch (thrown) {
    const known = ['super-invalid', 'source-truncated', 'sparse-invalid']
    if (thrown instanceof SlotbenchError && known.includes(thrown.code)) return undefined
    throw thrown
  }
}

/** Geometry, then the metadata of each boot slot, the active one last: a cut leaves the active slot with its old tables, or with the new
 * ones. Each pair of copies is written so that one of them is whole at every moment, and read back.
 * @param slots metadata slots; all that belong to boot slots when left out.
 * @throws SlotbenchError `super-invalid` before anything is written, `storage-unreliable`. */
export async function writeSuperOn(
  io: SectorIo,
  where: SuperPlace,
  change: SuperTablesOf & { readonly slots?: readonly number[] },
  o: IoOptions,
): Promise<void> {
  checkDevice(change, where.place)
  const all = change.slots ?? bootMetadataSlots(change.geometry, where.hasSlots)
  const active = metadataSlot(where.active)
  const slots = all.toSorted((a, b) => Number(a === active) - Number(b === active))
  const copies = slots.map((slot) => metadataCopies(change, slot))
  checkSectors(where, change.geometry)
  await writeCopies(io, where, { ...geometryCopies(change.geometry), parse: parseGeometry }, o)
  for (const copy of copies) await writeCopies(io, where, { ...copy, parse: parseMetadata }, o)
}

/** Whether the metadata slot of a boot slot has this partition at the same place as `metadata` says. */
export async function agrees(
  io: SectorIo,
  where: SuperPlace,
  wanted: { readonly metadata: SuperMetadata; readonly slot: number; readonly name: string },
  o: IoOptions,
): Promise<boolean> {
  const own = await readSlot(io, where, wanted.slot, o)
  const placed = (metadata: SuperMetadata | undefined) => {
    const partition = metadata?.partitions.find(({ name }) => name === wanted.name)
    return partition && JSON.stringify([partition.attributes, partition.extents])
  }
  return placed(own?.metadata) === placed(wanted.metadata)
}

async function writeCopies(
  io: SectorIo,
  where: SuperPlace,
  copies: TwoCopies & { readonly parse: (copy: Uint8Array) => unknown },
  o: IoOptions,
): Promise<void> {
  const { lun, place } = where
  const primary = { offset: offsetIn(place, copies.primary), length: copies.room }
  const present = await io.read(lun, primary, o)
  for (const copy of copyOrder(isWhole(present, copies.parse)))
    await io.write(lun, offsetIn(place, copies[copy]), copies.bytes, o)
}

function isWhole(copy: Uint8Array, parse: (copy: Uint8Array) => unknown): boolean {
  try {
    parse(copy)
    return true
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'super-invalid') return false
    throw thrown
  }
}

/** Two copies that shared a sector would be torn together. */
function checkSectors({ place }: SuperPlace, { metadataMaxSize }: SuperGeometry): void {
  if (metadataMaxSize % place.sectorSize === 0) return
  throw new SlotbenchError(
    'super-invalid',
    `metadata of ${metadataMaxSize} bytes does not fill whole sectors of ${place.sectorSize} bytes; two copies would share one`,
  )
}

function superSource(io: SectorIo, { lun, place }: SuperPlace, o: IoOptions): ByteSource {
  return {
    name: place.name,
    size: bytes(place.size),
    read: (offset, length, signal = o.signal) =>
      io.read(lun, { offset: offsetIn(place, offset), length }, { ...o, signal }),
    close: async () => {},
  }
}
