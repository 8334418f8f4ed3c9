// The tables of a super partition: which logical partition lies where (AOSP liblp metadata_format.h).
import { createHash } from 'node:crypto'
import { RecordReader } from './record-reader.ts'

export const LP_SECTOR = 512
export const GEOMETRY_SIZE = 4096

export interface SuperGeometry {
  /** Bytes reserved for one copy of the metadata. */
  readonly metadataMaxSize: number
  readonly slotCount: number
  readonly logicalBlockSize: number
}

export interface SuperExtent {
  readonly kind: 'linear' | 'zero'
  /** Length in sectors of 512 bytes. */
  readonly sectors: number
  /** First sector on the block device; 0 for zeros. */
  readonly sourceSector: number
  /** Index into `blockDevices`; 0 for zeros. */
  readonly blockDevice: number
}

export interface SuperPartition {
  readonly name: string
  /** Bit 0 read-only, 1 slot-suffixed, 2 updated, 3 disabled. */
  readonly attributes: number
  /** Name of its group. */
  readonly group: string
  readonly extents: readonly SuperExtent[]
  /** Bytes. */
  readonly size: number
}

export interface SuperGroup {
  readonly name: string
  readonly flags: number
  /** Bytes that its partitions may take together; 0 means no limit. */
  readonly maximumSize: number
}

export interface SuperBlockDevice {
  /** The partition it is, e.g. `super`. */
  readonly name: string
  readonly size: number
  readonly firstLogicalSector: number
  readonly alignment: number
  readonly alignmentOffset: number
  readonly flags: number
}

export interface SuperMetadata {
  readonly version: { readonly major: number; readonly minor: number }
  /** Of the header: bit 0 the terminal uses Virtual A/B. 0 before version 10.2. */
  readonly flags: number
  readonly partitions: readonly SuperPartition[]
  readonly groups: readonly SuperGroup[]
  readonly blockDevices: readonly SuperBlockDevice[]
}

const GEOMETRY_MAGIC = 0x616c4467
const GEOMETRY_STRUCT = 52
const HEADER_MAGIC = 0x414c5030
const HEADER_MIN = 128
const MAX_MINOR = 2
const ENTRY = { partition: 52, extent: 24, group: 48, blockDevice: 64 } as const
const NAME = 36
/** AOSP reserves 64 KiB per copy; keeps a corrupt size from costing memory. */
const MAX_METADATA = 4 * 1024 * 1024
const MAX_SLOTS = 64

/** @param block the 4096 bytes of one copy.
 * @throws SlotbenchError `super-invalid`. */
export function parseGeometry(block: Uint8Array): SuperGeometry {
  const reader = new RecordReader(block, 'little', 'super-invalid')
  if (reader.u32() !== GEOMETRY_MAGIC) reader.fail('no geometry: its magic is missing')
  const size = reader.u32()
  if (size < GEOMETRY_STRUCT || size > block.byteLength) reader.fail(`a geometry of ${size} bytes`)
  const declared = reader.bytes(32)
  if (!matches(declared, zeroed(block.subarray(0, size), 8)))
    reader.fail('the SHA-256 of the geometry does not match')
  const [metadataMaxSize, slotCount, logicalBlockSize] = [reader.u32(), reader.u32(), reader.u32()]
  if (metadataMaxSize < HEADER_MIN || metadataMaxSize > MAX_METADATA || metadataMaxSize % LP_SECTOR !== 0)
    reader.fail(`metadata of up to ${metadataMaxSize} bytes`)
  if (slotCount === 0 || slotCount > MAX_SLOTS) reader.fail(`${slotCount} metadata slots`)
  if (logicalBlockSize === 0 || logicalBlockSize % LP_SECTOR !== 0)
    reader.fail(`blocks of ${logicalBlockSize} bytes`)
  return { metadataMaxSize, slotCount, logicalBlockSize }
}

/** @param bytes one copy of the metadata from its header on; what follows the tables is ignored.
 * @throws SlotbenchError `super-invalid` when a checksum, table or extent is wrong. */
export function parseMetadata(bytes: Uint8Array): SuperMetadata {
  const reader = new RecordReader(bytes, 'little', 'super-invalid')
  if (reader.u32() !== HEADER_MAGIC) reader.fail('no metadata: its magic is missing')
  const [major, minor, headerSize] = [reader.u16(), reader.u16(), reader.u32()]
  if (major !== 10 || minor > MAX_MINOR) reader.fail(`metadata of version ${major}.${minor}`)
  if (headerSize < HEADER_MIN || headerSize > bytes.byteLength) reader.fail(`a header of ${headerSize} bytes`)
  if (!matches(reader.bytes(32), zeroed(bytes.subarray(0, headerSize), 12)))
    reader.fail('the SHA-256 of the metadata header does not match')
  const tablesSize = reader.u32()
  const tablesSha = reader.bytes(32)
  if (tablesSize > bytes.byteLength - headerSize) reader.fail(`tables of ${tablesSize} bytes`)
  const tables = bytes.subarray(headerSize, headerSize + tablesSize)
  if (!matches(tablesSha, tables)) reader.fail('the SHA-256 of the metadata tables does not match')
  const rows = <T>(size: number, parse: (row: RecordReader) => T): T[] =>
    readTable(reader, tables, { size, parse })
  const partitionRows = rows(ENTRY.partition, parsePartition)
  const extents = rows(ENTRY.extent, parseExtent)
  // Each extent belongs to one partition; thousands that all claim thousands would cost gigabytes.
  if (partitionRows.reduce((sum, row) => sum + row.extentCount, 0) > extents.length)
    reader.fail('two partitions claim the same extent')
  const groups = rows(ENTRY.group, parseGroup)
  const blockDevices = rows(ENTRY.blockDevice, parseBlockDevice)
  // The header grew with version 10.2; older ones have no flags.
  const flags = minor >= 2 && headerSize >= HEADER_MIN + 4 ? reader.u32() : 0
  const partitions = partitionRows.map((row) => resolve(row, { reader, extents, groups }))
  const metadata = { version: { major, minor }, flags, partitions, groups, blockDevices }
  checkNames(reader, metadata)
  checkExtents(reader, metadata)
  return metadata
}

interface PartitionRow extends Pick<SuperPartition, 'name' | 'attributes'> {
  readonly firstExtent: number
  readonly extentCount: number
  readonly groupIndex: number
}

function readTable<T>(
  header: RecordReader,
  tables: Uint8Array,
  row: { readonly size: number; readonly parse: (row: RecordReader) => T },
): T[] {
  const [offset, count, size] = [header.u32(), header.u32(), header.u32()]
  if (size !== row.size) header.fail(`table entries of ${size} bytes instead of ${row.size}`)
  if (offset > tables.byteLength || count * size > tables.byteLength - offset)
    header.fail(`a table of ${count} entries at ${offset} reaches beyond ${tables.byteLength} bytes`)
  const reader = new RecordReader(tables, 'little', 'super-invalid').seek(offset)
  return Array.from({ length: count }, () => row.parse(reader))
}

function parsePartition(row: RecordReader): PartitionRow {
  const name = row.text(NAME)
  const [attributes, firstExtent] = [row.u32(), row.u32()]
  const [extentCount, groupIndex] = [row.u32(), row.u32()]
  return { name, attributes, firstExtent, extentCount, groupIndex }
}

function parseExtent(row: RecordReader): SuperExtent {
  const sectors = row.size64('the length of an extent')
  const type = row.u32()
  const sourceSector = row.size64('the place of an extent')
  const blockDevice = row.u32()
  if (type > 1) row.fail(`an extent of unknown type ${type}`)
  if (type === 1) return { kind: 'zero', sectors, sourceSector: 0, blockDevice: 0 }
  return { kind: 'linear', sectors, sourceSector, blockDevice }
}

function parseGroup(row: RecordReader): SuperGroup {
  return { name: row.text(NAME), flags: row.u32(), maximumSize: row.size64('the size of a group') }
}

function parseBlockDevice(row: RecordReader): SuperBlockDevice {
  const firstLogicalSector = row.size64('the first logical sector')
  const [alignment, alignmentOffset] = [row.u32(), row.u32()]
  const size = row.size64('the size of a block device')
  return { firstLogicalSector, alignment, alignmentOffset, size, name: row.text(NAME), flags: row.u32() }
}

function resolve(
  row: PartitionRow,
  tables: {
    readonly reader: RecordReader
    readonly extents: readonly SuperExtent[]
    readonly groups: readonly SuperGroup[]
  },
): SuperPartition {
  const { reader } = tables
  const { name, attributes } = row
  if (row.firstExtent + row.extentCount > tables.extents.length)
    reader.fail(`${name} has extents ${row.firstExtent}+${row.extentCount} of ${tables.extents.length}`)
  const extents = tables.extents.slice(row.firstExtent, row.firstExtent + row.extentCount)
  const group =
    tables.groups[row.groupIndex] ?? reader.fail(`${name} is in group ${row.groupIndex}, which is not there`)
  const size = extents.reduce((sum, extent) => sum + extent.sectors * LP_SECTOR, 0)
  if (!Number.isSafeInteger(size)) reader.fail(`${name} has ${size} bytes`)
  return { name, attributes, group: group.name, extents, size }
}

function checkNames(reader: RecordReader, { partitions, groups }: SuperMetadata): void {
  for (const names of [partitions.map((p) => p.name), groups.map((g) => g.name)]) {
    if (names.includes('')) reader.fail('a partition or group without a name')
    if (new Set(names).size !== names.length) reader.fail('two partitions or groups of the same name')
  }
}

/** Every linear extent inside its device and behind the metadata, and no sector in two of them. */
function checkExtents(reader: RecordReader, { partitions, blockDevices }: SuperMetadata): void {
  const used = partitions
    .flatMap((partition) => partition.extents.map((extent) => ({ ...extent, name: partition.name })))
    .filter((extent) => extent.kind === 'linear' && extent.sectors > 0)
    .toSorted((a, b) => a.blockDevice - b.blockDevice || a.sourceSector - b.sourceSector)
  let free = 0
  let before = -1
  for (const { name, sectors, sourceSector, blockDevice } of used) {
    const device = blockDevices[blockDevice] ?? reader.fail(`${name} lies on block device ${blockDevice}`)
    if (blockDevice !== before) free = device.firstLogicalSector
    before = blockDevice
    const place = `${name} (sectors ${sourceSector}+${sectors} of ${device.name})`
    if (sourceSector < free) reader.fail(`${place} overlaps the metadata or another partition`)
    free = sourceSector + sectors
    if (free > Math.floor(device.size / LP_SECTOR)) reader.fail(`${place} ends beyond the device`)
  }
}

function zeroed(bytes: Uint8Array, checksumAt: number): Uint8Array {
  return new Uint8Array(bytes).fill(0, checksumAt, checksumAt + 32)
}

function matches(declared: Uint8Array, bytes: Uint8Array): boolean {
  return createHash('sha256').update(bytes).digest().equals(declared)
}
