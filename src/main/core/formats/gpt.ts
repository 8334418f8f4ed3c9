// GUID partition tables: what a disk holds, read from either copy, and both copies written (UEFI 2.10, chapter 5).
import { crc32 } from 'node:zlib'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { guidBytes, guidText } from './guid.ts'
import { RecordReader } from './record-reader.ts'

export interface GptEntry {
  readonly typeGuid: string
  readonly uniqueGuid: string
  readonly firstLba: number
  /** The last sector of the partition, inclusive. */
  readonly lastLba: number
  readonly attributes: bigint
  readonly name: string
  /** Place in the table from 0. Without one, the entry follows the one before it in the list. */
  readonly index?: number
}

export type SectorSize = 512 | 4096

export interface GptTable {
  readonly diskGuid: string
  readonly sectorSize: SectorSize
  readonly diskSectors: number
  readonly firstUsable: number
  readonly lastUsable: number
  /** How many entries the table has room for, used or not. */
  readonly entryCount: number
  readonly entries: readonly GptEntry[]
}

export interface GptReading {
  readonly table: GptTable
  /** `valid`, or what is wrong with that copy. */
  readonly primary: string
  readonly backup: string
}

export interface EncodedGpt {
  /** For LBA 0, one sector. */
  readonly protectiveMbr: Uint8Array<ArrayBuffer>
  /** Header and entries, from LBA 1. */
  readonly primary: { readonly lba: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Entries and header; the header is the last sector of the disk. */
  readonly backup: { readonly lba: number; readonly bytes: Uint8Array<ArrayBuffer> }
}

/** Bytes at a byte offset of the disk; exactly `length` of them. */
export type DiskRead = (offset: number, length: number) => Promise<Uint8Array>

const SIGNATURE = 0x5452415020494645n
const REVISION = 0x00010000
const HEADER_SIZE = 92
const ENTRY_SIZE = 128
const NAME_UNITS = 36
/** UEFI reserves at least this much for the entries. */
const MIN_ENTRY_BYTES = 16384
/** Far beyond any table seen (16 KiB); keeps a corrupt count from costing memory. */
const MAX_ENTRY_BYTES = 1024 * 1024

/** Where partitions may lie on a disk with both copies of a table of `entryCount` entries. */
export function gptUsable(
  sectorSize: SectorSize,
  diskSectors: number,
  entryCount = 128,
): { readonly firstUsable: number; readonly lastUsable: number } {
  const entrySectors = Math.ceil(Math.max(entryCount * ENTRY_SIZE, MIN_ENTRY_BYTES) / sectorSize)
  return { firstUsable: 2 + entrySectors, lastUsable: diskSectors - 2 - entrySectors }
}

/** Reads the primary copy, or the backup when the primary is damaged; tells the state of both.
 * @throws SlotbenchError `gpt-invalid` when neither copy can be trusted; whatever `read` throws passes through. */
export async function readGpt(
  read: DiskRead,
  sectorSize: SectorSize,
  diskSectors: number,
): Promise<GptReading> {
  const disk = { read, sectorSize, diskSectors }
  if (!Number.isSafeInteger(diskSectors * sectorSize) || diskSectors < 3)
    throw invalid(`a disk of ${diskSectors} sectors cannot hold a partition table`)
  const primary = await readCopy(disk, 1)
  const backupLba = 'table' in primary ? primary.alternateLba : diskSectors - 1
  const backup = await readCopy(disk, backupLba)
  if ('table' in primary) {
    const state =
      'table' in backup ? (same(primary, backup) ? 'valid' : 'differs from the primary') : backup.reason
    return { table: primary.table, primary: 'valid', backup: state }
  }
  if ('table' in backup) return { table: backup.table, primary: primary.reason, backup: 'valid' }
  throw invalid(`no valid partition table; primary: ${primary.reason}; backup: ${backup.reason}`)
}

/** How many sectors the disk has, as the header of one copy tells: its last copy is the last sector.
 * @param sector one sector of `sectorSize` bytes.
 * @returns undefined when it is no whole header. */
export function gptDiskSectors(sector: Uint8Array, sectorSize: SectorSize, lba: number): number | undefined {
  try {
    // As far as one header goes, the disk may be of any size.
    const disk = { sectorSize, diskSectors: Number.MAX_SAFE_INTEGER, read: async () => sector }
    return Math.max(lba, parseHeader(disk, sector, lba).alternateLba) + 1
  } catch (thrown) {
    if (asSlotbenchError(thrown).code === 'gpt-invalid') return undefined
    throw thrown
  }
}

/** Both copies, ready to be written.
 * @throws SlotbenchError `gpt-invalid` when partitions overlap, lie outside the usable sectors or do not fit the table. */
export function encodeGpt(table: GptTable): EncodedGpt {
  const { sectorSize, diskSectors, entryCount } = table
  const room = gptUsable(sectorSize, diskSectors, entryCount)
  if (table.firstUsable < room.firstUsable || table.lastUsable > room.lastUsable)
    throw invalid(`the usable sectors ${table.firstUsable}-${table.lastUsable} reach into the tables`)
  checkEntries(table)
  const entries = encodeEntries(table)
  const entrySectors = room.firstUsable - 2
  const last = diskSectors - 1
  const header = (myLba: number, alternateLba: number, entriesLba: number) =>
    encodeHeader(table, { myLba, alternateLba, entriesLba, entriesCrc: crc32(entries) })
  const primary = new Uint8Array((1 + entrySectors) * sectorSize)
  primary.set(header(1, last, 2))
  primary.set(entries, sectorSize)
  const backup = new Uint8Array((entrySectors + 1) * sectorSize)
  backup.set(entries)
  backup.set(header(last, 1, last - entrySectors), entrySectors * sectorSize)
  return {
    protectiveMbr: protectiveMbr(sectorSize, diskSectors),
    primary: { lba: 1, bytes: primary },
    backup: { lba: last - entrySectors, bytes: backup },
  }
}

interface Disk {
  readonly read: DiskRead
  readonly sectorSize: SectorSize
  readonly diskSectors: number
}

interface GptCopy {
  readonly table: GptTable
  readonly alternateLba: number
}

interface GptHeader extends Omit<GptTable, 'entries'> {
  readonly alternateLba: number
  readonly entriesLba: number
  readonly entrySize: number
  readonly entriesCrc: number
}

async function readCopy(disk: Disk, lba: number): Promise<GptCopy | { readonly reason: string }> {
  const sector = await disk.read(lba * disk.sectorSize, disk.sectorSize)
  let header: GptHeader
  try {
    header = parseHeader(disk, sector, lba)
  } catch (thrown) {
    return { reason: asSlotbenchError(thrown).message }
  }
  const length = header.entryCount * header.entrySize
  const entries = await disk.read(header.entriesLba * disk.sectorSize, length)
  try {
    if (crc32(entries) !== header.entriesCrc) throw invalid('the CRC-32 of the entries does not match')
    const { alternateLba, entriesLba: _lba, entrySize, entriesCrc: _crc, ...rest } = header
    const table = { ...rest, entries: parseEntries(entries, entrySize) }
    checkEntries(table)
    return { table, alternateLba }
  } catch (thrown) {
    return { reason: asSlotbenchError(thrown).message }
  }
}

function parseHeader(disk: Disk, sector: Uint8Array, lba: number): GptHeader {
  const reader = new RecordReader(sector, 'little', 'gpt-invalid')
  if (reader.u64() !== SIGNATURE) reader.fail('no GPT signature')
  if (reader.u32() !== REVISION) reader.fail('unknown GPT revision')
  const headerSize = reader.u32()
  if (headerSize < HEADER_SIZE || headerSize > sector.byteLength)
    reader.fail(`a header of ${headerSize} bytes`)
  const copy = new Uint8Array(sector.subarray(0, headerSize))
  const declared = reader.u32()
  copy.fill(0, 16, 20)
  if (declared !== crc32(copy)) reader.fail('the CRC-32 of the header does not match')
  reader.skip(4)
  const myLba = reader.size64('my LBA')
  if (myLba !== lba) reader.fail(`the header says it stands at LBA ${myLba}, it was read at ${lba}`)
  const alternateLba = reader.size64('alternate LBA')
  if (alternateLba === 0 || alternateLba === lba || alternateLba >= disk.diskSectors)
    reader.fail(`the other copy is said to be at LBA ${alternateLba}`)
  const firstUsable = reader.size64('first usable LBA')
  const lastUsable = reader.size64('last usable LBA')
  if (firstUsable > lastUsable || lastUsable >= disk.diskSectors)
    reader.fail(`usable sectors ${firstUsable}-${lastUsable} on a disk of ${disk.diskSectors}`)
  const diskGuid = guidText(reader.bytes(16))
  const entriesLba = reader.size64('entries LBA')
  const [entryCount, entrySize, entriesCrc] = [reader.u32(), reader.u32(), reader.u32()]
  checkEntryArray(disk, { entriesLba, entryCount, entrySize })
  const { sectorSize, diskSectors } = disk
  return {
    ...{ diskGuid, sectorSize, diskSectors, firstUsable, lastUsable, entryCount },
    ...{ alternateLba, entriesLba, entrySize, entriesCrc },
  }
}

function checkEntryArray(disk: Disk, h: Pick<GptHeader, 'entriesLba' | 'entryCount' | 'entrySize'>): void {
  if (h.entrySize < ENTRY_SIZE || h.entrySize % 8 !== 0) throw invalid(`entries of ${h.entrySize} bytes`)
  const length = h.entryCount * h.entrySize
  if (h.entryCount === 0 || length > MAX_ENTRY_BYTES)
    throw invalid(`${h.entryCount} entries of ${h.entrySize} bytes`)
  if (h.entriesLba < 2 || h.entriesLba + Math.ceil(length / disk.sectorSize) > disk.diskSectors)
    throw invalid(`the entries are said to be at LBA ${h.entriesLba}`)
}

function parseEntries(bytes: Uint8Array, entrySize: number): GptEntry[] {
  const reader = new RecordReader(bytes, 'little', 'gpt-invalid')
  const entries: GptEntry[] = []
  for (let index = 0; (index + 1) * entrySize <= bytes.byteLength; index++) {
    reader.seek(index * entrySize)
    const type = reader.bytes(16)
    // Most entries of a table are empty.
    if (type.every((byte) => byte === 0)) continue
    const typeGuid = guidText(type)
    const uniqueGuid = guidText(reader.bytes(16))
    const firstLba = reader.size64('first LBA')
    const lastLba = reader.size64('last LBA')
    const attributes = reader.u64()
    const name = new TextDecoder('utf-16le').decode(reader.bytes(2 * NAME_UNITS)).split('\0', 1)[0] ?? ''
    entries.push({ typeGuid, uniqueGuid, firstLba, lastLba, attributes, name, index })
  }
  return entries
}

function checkEntries(table: GptTable): void {
  const sorted = table.entries.toSorted((a, b) => a.firstLba - b.firstLba)
  let free = table.firstUsable
  let before = 'the table'
  for (const entry of sorted) {
    const place = `${entry.name} (sectors ${entry.firstLba}-${entry.lastLba})`
    if (!Number.isSafeInteger(entry.firstLba) || entry.lastLba < entry.firstLba)
      throw invalid(`${place} is no range`)
    if (entry.firstLba < free) throw invalid(`${place} overlaps ${before}`)
    if (entry.lastLba > table.lastUsable) throw invalid(`${place} ends beyond sector ${table.lastUsable}`)
    free = entry.lastLba + 1
    before = entry.name
  }
}

function encodeEntries(table: GptTable): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(table.entryCount * ENTRY_SIZE)
  const view = new DataView(bytes.buffer)
  const taken = new Set<number>()
  let next = 0
  for (const entry of table.entries) {
    const index = entry.index ?? next
    if (!Number.isInteger(index) || index < 0 || index >= table.entryCount || taken.has(index))
      throw invalid(`no place ${index} for ${entry.name} in a table of ${table.entryCount} entries`)
    if (entry.name.length > NAME_UNITS) throw invalid(`the name ${entry.name} is longer than ${NAME_UNITS}`)
    taken.add(index)
    next = index + 1
    const at = index * ENTRY_SIZE
    bytes.set(guidBytes(entry.typeGuid), at)
    bytes.set(guidBytes(entry.uniqueGuid), at + 16)
    view.setBigUint64(at + 32, BigInt(entry.firstLba), true)
    view.setBigUint64(at + 40, BigInt(entry.lastLba), true)
    view.setBigUint64(at + 48, entry.attributes, true)
    for (let i = 0; i < entry.name.length; i++)
      view.setUint16(at + 56 + 2 * i, entry.name.charCodeAt(i), true)
  }
  return bytes
}

function encodeHeader(
  table: GptTable,
  at: Pick<GptHeader, 'alternateLba' | 'entriesLba' | 'entriesCrc'> & { readonly myLba: number },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_SIZE)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, SIGNATURE, true)
  view.setUint32(8, REVISION, true)
  view.setUint32(12, HEADER_SIZE, true)
  view.setBigUint64(24, BigInt(at.myLba), true)
  view.setBigUint64(32, BigInt(at.alternateLba), true)
  view.setBigUint64(40, BigInt(table.firstUsable), true)
  view.setBigUint64(48, BigInt(table.lastUsable), true)
  bytes.set(guidBytes(table.diskGuid), 56)
  view.setBigUint64(72, BigInt(at.entriesLba), true)
  view.setUint32(80, table.entryCount, true)
  view.setUint32(84, ENTRY_SIZE, true)
  view.setUint32(88, at.entriesCrc, true)
  view.setUint32(16, crc32(bytes), true)
  return bytes
}

/** One partition of type EE over the whole disk, so that programs without GPT leave it alone (UEFI 5.2.3). */
function protectiveMbr(sectorSize: number, diskSectors: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sectorSize)
  const view = new DataView(bytes.buffer)
  bytes.set([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], 446)
  view.setUint32(454, 1, true)
  view.setUint32(458, Math.min(diskSectors - 1, 0xffffffff), true)
  bytes.set([0x55, 0xaa], 510)
  return bytes
}

function same(a: GptCopy, b: GptCopy): boolean {
  const text = (copy: GptCopy) =>
    JSON.stringify(copy.table, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    )
  return text(a) === text(b)
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('gpt-invalid', detail)
}
