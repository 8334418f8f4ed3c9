// Writes the tables of a super partition: geometry, and one copy of the metadata (AOSP liblp writer.cpp, metadata_format.h).
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { joinBytes } from './join-bytes.ts'
import { RecordWriter } from './record-writer.ts'
import {
  GEOMETRY_SIZE,
  parseGeometry,
  parseMetadata,
  type SuperExtent,
  type SuperGeometry,
  type SuperMetadata,
} from './super-metadata.ts'

/** The first bytes of super belong to whoever needs a boot sector there. */
export const SUPER_RESERVED = 4096
/** Where the two copies of the geometry lie. */
export const GEOMETRY_OFFSETS = [SUPER_RESERVED, SUPER_RESERVED + GEOMETRY_SIZE] as const

const GEOMETRY_MAGIC = 0x616c4467
const HEADER_MAGIC = 0x414c5030
const GEOMETRY_STRUCT = 52
/** The header grew with version 10.2, by flags and what is kept for later. */
const HEADER = { before: 128, since2: 256 } as const
const NAME = 36
const [LINEAR, ZERO] = [0, 1]

/** Bytes from the start of super that reserved block, geometry and every copy of the metadata take. */
export function tablesSize({ metadataMaxSize, slotCount }: SuperGeometry): number {
  return SUPER_RESERVED + 2 * (GEOMETRY_SIZE + metadataMaxSize * slotCount)
}

/** Where the copies of one slot's metadata lie, in bytes from the start of super.
 * @throws SlotbenchError `super-invalid` when there is no such slot. */
export function metadataOffsets(
  { metadataMaxSize, slotCount }: SuperGeometry,
  slot: number,
): { readonly primary: number; readonly backup: number } {
  if (!(slot >= 0 && slot < slotCount)) throw invalid(`metadata slot ${slot} of ${slotCount}`)
  const primary = SUPER_RESERVED + 2 * GEOMETRY_SIZE + slot * metadataMaxSize
  return { primary, backup: primary + slotCount * metadataMaxSize }
}

/** One copy of the geometry, 4096 bytes.
 * @throws SlotbenchError `super-invalid` when a value cannot be. */
export function encodeGeometry(geometry: SuperGeometry): Uint8Array<ArrayBuffer> {
  const { metadataMaxSize, slotCount, logicalBlockSize } = geometry
  const struct = little().u32(GEOMETRY_MAGIC).u32(GEOMETRY_STRUCT).zeros(32)
  const bytes = struct.u32(metadataMaxSize).u32(slotCount).u32(logicalBlockSize).finish()
  bytes.set(sha256(bytes), 8)
  const block = new Uint8Array(GEOMETRY_SIZE)
  block.set(bytes)
  parseGeometry(block)
  return block
}

/** One copy of the metadata, from its header to the end of its tables.
 * @throws SlotbenchError `super-invalid` when the tables contradict themselves or are larger than `geometry` allows: nothing is
 * written that could not be read. */
export function encodeMetadata(geometry: SuperGeometry, metadata: SuperMetadata): Uint8Array<ArrayBuffer> {
  const { version, flags } = metadata
  if (version.minor < 2 && flags !== 0) throw invalid(`flags in metadata of version 10.${version.minor}`)
  const { tables, descriptors } = encodeTables(metadata)
  const headerSize = version.minor < 2 ? HEADER.before : HEADER.since2
  const writer = little()
    .u32(HEADER_MAGIC)
    .u32(version.major + version.minor * 0x10000)
  writer.u32(headerSize).zeros(32).u32(tables.length).bytes(sha256(tables)).bytes(descriptors)
  if (version.minor >= 2) writer.u32(flags)
  const header = writer.padTo(headerSize).finish()
  header.set(sha256(header), 12)
  const bytes = joinBytes([header, tables])
  if (bytes.length > geometry.metadataMaxSize)
    throw invalid(`metadata of ${bytes.length} bytes, where ${geometry.metadataMaxSize} are reserved`)
  parseMetadata(bytes)
  return bytes
}

/** As lpmake leaves `super_empty.img`: one geometry block and one copy of the metadata, for `update-super`. */
export function encodeSuperEmpty(geometry: SuperGeometry, metadata: SuperMetadata): Uint8Array<ArrayBuffer> {
  return joinBytes([encodeGeometry(geometry), encodeMetadata(geometry, metadata)])
}

/** The start of super with the same metadata in every slot, as a factory or `update-super:…:wipe` leaves it.
 * @throws SlotbenchError `super-invalid`, also when a partition would lie within the tables. */
export function encodeSuperTables(geometry: SuperGeometry, metadata: SuperMetadata): Uint8Array<ArrayBuffer> {
  const start = new Uint8Array(tablesSize(geometry))
  const [device] = metadata.blockDevices
  if (!device || device.firstLogicalSector * 512 < start.length)
    throw invalid(`partitions would begin within the ${start.length} bytes of the tables`)
  for (const at of GEOMETRY_OFFSETS) start.set(encodeGeometry(geometry), at)
  const copy = encodeMetadata(geometry, metadata)
  for (let slot = 0; slot < geometry.slotCount; slot++) {
    const { primary, backup } = metadataOffsets(geometry, slot)
    start.set(copy, primary)
    start.set(copy, backup)
  }
  return start
}

/** The four tables, and where they lie: offset, count and size of an entry each. */
function encodeTables({ partitions, groups, blockDevices }: SuperMetadata) {
  const tables = { partitions: little(), extents: little(), groups: little(), devices: little() }
  let extents = 0
  for (const { name, attributes, group, extents: own } of partitions) {
    const index = groups.findIndex((candidate) => candidate.name === group)
    if (index < 0) throw invalid(`${name} is in the group ${group}, which is not there`)
    tables.partitions.text(name, NAME).u32(attributes).u32(extents).u32(own.length).u32(index)
    for (const extent of own) encodeExtent(tables.extents, extent)
    extents += own.length
  }
  for (const { name, flags, maximumSize } of groups)
    tables.groups.text(name, NAME).u32(flags).u64(maximumSize)
  for (const { firstLogicalSector, alignment, alignmentOffset, size, name, flags } of blockDevices)
    tables.devices
      .u64(firstLogicalSector)
      .u32(alignment)
      .u32(alignmentOffset)
      .u64(size)
      .text(name, NAME)
      .u32(flags)
  const parts = [
    { bytes: tables.partitions.finish(), count: partitions.length, entry: 52 },
    { bytes: tables.extents.finish(), count: extents, entry: 24 },
    { bytes: tables.groups.finish(), count: groups.length, entry: 48 },
    { bytes: tables.devices.finish(), count: blockDevices.length, entry: 64 },
  ]
  const descriptors = little()
  let offset = 0
  for (const { bytes, count, entry } of parts) {
    descriptors.u32(offset).u32(count).u32(entry)
    offset += bytes.length
  }
  return { tables: joinBytes(parts.map(({ bytes }) => bytes)), descriptors: descriptors.finish() }
}

function encodeExtent(table: RecordWriter, { kind, sectors, sourceSector, blockDevice }: SuperExtent): void {
  const zero = kind === 'zero'
  table.u64(sectors).u32(zero ? ZERO : LINEAR)
  table.u64(zero ? 0 : sourceSector).u32(zero ? 0 : blockDevice)
}

function little(): RecordWriter {
  return new RecordWriter('little', 'super-invalid')
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('super-invalid', detail)
}
