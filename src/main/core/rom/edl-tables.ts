// The partition tables of an EDL package: its files programmed and its patches applied in memory, on disks of several sizes, which
// shows what the table is on a disk of any size.
import { crc32 } from 'node:zlib'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { DiskPlace, PackageTable } from '../../../shared/rom.ts'
import { resolveExpression, resolveSector } from '../formats/disk-expression.ts'
import { type GptReading, type GptTable, readGpt, type SectorSize } from '../formats/gpt.ts'
import type { PatchEntry } from '../formats/patch-program.ts'
import type { ProgramEntry } from '../formats/rawprogram.ts'

/** Everything that makes up the table of one LUN. */
export interface TableRecipe {
  readonly lun: number
  readonly sectorSize: SectorSize
  readonly programs: readonly { readonly entry: ProgramEntry; readonly bytes: Uint8Array }[]
  /** In their order: those of its files and those of the disk. */
  readonly patches: readonly PatchEntry[]
}

/** Files of tables have some dozen kilobytes. */
export const MAX_TABLE_FILE = 1024 * 1024

/** Larger than anything that a table of fixed size could be for, and odd enough that no field fits by accident. */
const SIZES = [2 ** 33 + 8, 2 ** 33 + 2 ** 20 + 24, 2 ** 34 + 56] as const

export interface TableFound {
  readonly table: PackageTable
  readonly notes: readonly string[]
}

/** @returns words when the package’s table cannot be read.
 * @throws SlotbenchError `rawprogram-invalid` for a patch that cannot be applied. */
export async function findTable(recipe: TableRecipe): Promise<TableFound | string> {
  const readings: GptReading[] = []
  for (const size of SIZES) {
    try {
      readings.push(await applyTable(recipe, size))
    } catch (thrown) {
      if (!(thrown instanceof SlotbenchError) || thrown.code !== 'gpt-invalid') throw thrown
      return `The package’s partition table for LUN ${recipe.lun} cannot be read and is not used: ${thrown.message}.`
    }
  }
  const [reading] = readings
  if (reading === undefined) throw new SlotbenchError('internal', 'no disk was tried')
  const table = fitted(
    recipe,
    readings.map((one) => one.table),
  )
  const damaged = (['primary', 'backup'] as const).filter((copy) => reading[copy] !== 'valid')
  const notes = damaged.map(
    (copy) =>
      `Of the package’s partition table for LUN ${recipe.lun} the ${copy} copy is not good (${reading[copy]}); the other one is used.`,
  )
  return { table, notes }
}

/** The table as it stands on a disk of `diskSectors` sectors once files are patched, programmed, and the disk is patched.
 * @throws SlotbenchError `gpt-invalid` when no copy can be read, `rawprogram-invalid` for what does not lie on the disk. */
export async function applyTable(recipe: TableRecipe, diskSectors: number): Promise<GptReading> {
  const { sectorSize, programs, patches } = recipe
  const disk = new SectorMemory(sectorSize, diskSectors)
  for (const { entry, bytes } of programs) {
    const file = new SectorMemory(sectorSize, Math.ceil(bytes.byteLength / sectorSize))
    file.write(0, bytes)
    for (const patch of patches)
      if (patch.file !== undefined && patch.file === entry.file) applyPatch(file, patch, diskSectors)
    disk.write(resolveSector(entry.start, diskSectors), file.content())
  }
  for (const patch of patches) if (patch.file === undefined) applyPatch(disk, patch, diskSectors)
  return readGpt(async (offset, length) => disk.read(offset, length), sectorSize, diskSectors)
}

/** Sectors that were written; all others are zeros. */
export class SectorMemory {
  readonly sectorSize: number
  readonly sectors: number
  readonly #written = new Map<number, Uint8Array<ArrayBuffer>>()

  constructor(sectorSize: number, sectors: number) {
    this.sectorSize = sectorSize
    this.sectors = sectors
  }

  write(first: number, bytes: Uint8Array): void {
    const count = Math.ceil(bytes.byteLength / this.sectorSize)
    if (first < 0 || first + count > this.sectors)
      throw new SlotbenchError('rawprogram-invalid', `sectors ${first}+${count} reach beyond ${this.sectors}`)
    for (let i = 0; i < count; i++) {
      const sector = new Uint8Array(this.sectorSize)
      sector.set(bytes.subarray(i * this.sectorSize, (i + 1) * this.sectorSize))
      this.#written.set(first + i, sector)
    }
  }

  /** @param length of at most some megabytes. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const result = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      const within = (offset + at) % this.sectorSize
      const count = Math.min(this.sectorSize - within, length - at)
      const sector = this.#written.get(Math.floor((offset + at) / this.sectorSize))
      if (sector !== undefined) result.set(sector.subarray(within, within + count), at)
      at += count
    }
    return result
  }

  content(): Uint8Array<ArrayBuffer> {
    return this.read(0, this.sectors * this.sectorSize)
  }
}

/** @param memory the disk, or the file that the patch names. */
export function applyPatch(memory: SectorMemory, patch: PatchEntry, diskSectors: number): void {
  const { sectorSize } = memory
  const place = resolveExpression(patch.start, patch.file === undefined ? diskSectors : memory.sectors)
  if (place < 0 || place >= memory.sectors) throw beyond(patch, `sector ${place}`)
  const sector = memory.read(place * sectorSize, sectorSize)
  const value = patchValue(memory, patch, diskSectors)
  for (let i = 0; i < patch.size; i++) sector[patch.byteOffset + i] = Number((value >> BigInt(8 * i)) & 0xffn)
  memory.write(place, sector)
}

function patchValue(memory: SectorMemory, { value, ...patch }: PatchEntry, diskSectors: number): bigint {
  if (value.kind === 'number') return BigInt(resolveExpression(value.value, diskSectors))
  const first = resolveExpression(value.start, patch.file === undefined ? diskSectors : memory.sectors)
  const end = first + Math.ceil(value.length / memory.sectorSize)
  if (first < 0 || end > memory.sectors)
    throw beyond(patch, `the sectors ${first}-${end - 1} of its checksum`)
  return BigInt(crc32(memory.read(first * memory.sectorSize, value.length)))
}

function beyond({ place, file }: Pick<PatchEntry, 'place' | 'file'>, what: string): SlotbenchError {
  return new SlotbenchError('rawprogram-invalid', `${place}: ${what} do not lie in ${file ?? 'the disk'}`)
}

/** Every place of the table counted from the start or the end of the disk. */
function fitted(recipe: TableRecipe, tables: readonly GptTable[]): PackageTable {
  const [first] = tables
  const same = tables.every((table) => table.entries.length === first?.entries.length)
  if (first === undefined || !same) throw unsteady(recipe.lun, 'its partitions')
  const place = (what: string, of: (table: GptTable) => number) =>
    placeOf(tables, of) ?? unsteadyPlace(recipe.lun, what)
  return {
    lun: recipe.lun,
    sectorSize: recipe.sectorSize,
    diskGuid: first.diskGuid,
    entryCount: first.entryCount,
    firstUsable: place('the first usable sector', (table) => table.firstUsable),
    lastUsable: place('the last usable sector', (table) => table.lastUsable),
    entries: first.entries.map((entry, i) => {
      const { name, typeGuid, uniqueGuid, index = i } = entry
      return {
        ...{ index, name, typeGuid, uniqueGuid },
        first: place(`the start of ${name}`, (table) => table.entries[i]?.firstLba ?? Number.NaN),
        last: place(`the end of ${name}`, (table) => table.entries[i]?.lastLba ?? Number.NaN),
        attributes: entry.attributes.toString(16),
      }
    }),
  }
}

function placeOf(tables: readonly GptTable[], of: (table: GptTable) => number): DiskPlace | undefined {
  for (const fromDisk of [0, 1] as const) {
    const places = new Set(tables.map((table) => of(table) - fromDisk * table.diskSectors))
    const [plus] = places
    if (places.size === 1 && plus !== undefined && Number.isSafeInteger(plus)) return { fromDisk, plus }
  }
  return undefined
}

function unsteadyPlace(lun: number, what: string): never {
  throw unsteady(lun, what)
}

function unsteady(lun: number, what: string): SlotbenchError {
  return new SlotbenchError(
    'rawprogram-invalid',
    `the package’s partition table for LUN ${lun}: ${what} depends on the size of the disk in a way that no table does`,
  )
}
