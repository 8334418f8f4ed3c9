// Small EDL packages for tests, as ptool makes them: tables as templates that patches grow to the disk, images, XML files.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { encodeGpt, type GptTable, gptUsable, type SectorSize } from '../src/main/core/formats/gpt.ts'
import { zipBytes } from '../src/main/core/formats/zip-writer.ts'
import { collect } from './images.ts'

export type PackageFiles = Record<string, Uint8Array | string>

export interface EdlPartition {
  readonly name: string
  readonly lun: number
  /** Sectors; 0 for the one that grows to the end of its disk, which must be the last. */
  readonly sectors: number
  readonly file?: string
  readonly content?: Uint8Array
  readonly sparse?: boolean
}

const LINUX = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const SECTORS = 4096

export const guid = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`.toUpperCase()

/** The table that the package of these partitions gives a LUN on a disk of that size. */
export function expectedTable(
  partitions: readonly EdlPartition[],
  lun: number,
  o: { readonly diskSectors: number; readonly sectorSize: SectorSize },
): GptTable {
  const usable = gptUsable(o.sectorSize, o.diskSectors, 32)
  let next = usable.firstUsable
  const entries = partitions
    .filter((partition) => partition.lun === lun)
    .map((partition, index) => {
      const firstLba = next
      const lastLba = partition.sectors === 0 ? usable.lastUsable : firstLba + partition.sectors - 1
      next = lastLba + 1
      const { name } = partition
      return {
        typeGuid: LINUX,
        uniqueGuid: guid(100 * lun + index + 1),
        firstLba,
        lastLba,
        attributes: 1n << 60n,
        name,
        index,
      }
    })
  return { diskGuid: guid(lun + 1), ...o, ...usable, entryCount: 32, entries }
}

export const image = (sectors: number, text: string) => Buffer.alloc(sectors * SECTORS, text)

/** A small A/B layout: the first boot stage in LUNs of its own, files for both slots of it, and for slot a of boot. */
export const PARTITIONS: readonly EdlPartition[] = [
  { name: 'persist', lun: 0, sectors: 4, file: 'persist.img', content: image(4, 'persist') },
  { name: 'misc', lun: 0, sectors: 4 },
  { name: 'userdata', lun: 0, sectors: 0 },
  { name: 'xbl_a', lun: 1, sectors: 8, file: 'xbl.elf', content: image(5, 'xbl ') },
  { name: 'xbl_b', lun: 2, sectors: 8, file: 'xbl.elf', content: image(5, 'xbl ') },
  { name: 'boot_a', lun: 4, sectors: 8, file: 'boot.img', content: image(3, 'boot of this package ') },
  { name: 'boot_b', lun: 4, sectors: 8 },
]

/** Every file of a package; change what comes back to damage it. */
export function edlFiles(
  partitions: readonly EdlPartition[],
  o: { readonly sectorSize?: SectorSize; readonly loader?: string } = {},
): PackageFiles {
  const { sectorSize = SECTORS, loader = 'prog_firehose_ddr.elf' } = o
  const files: PackageFiles = { [loader]: Buffer.from('\x7fELF programmer') }
  for (const lun of new Set(partitions.map((partition) => partition.lun))) {
    const made = lunFiles(partitions, lun, sectorSize)
    Object.assign(files, made)
  }
  for (const { file, content } of partitions)
    if (file !== undefined && content !== undefined) files[file] = content
  return files
}

function lunFiles(partitions: readonly EdlPartition[], lun: number, sectorSize: SectorSize): PackageFiles {
  // The template is for a disk that just holds what does not grow, and no patched field of it is right.
  const size = partitions.reduce((sum, { sectors }) => sum + sectors, 200)
  const template = expectedTable(partitions, lun, { diskSectors: size, sectorSize })
  const { protectiveMbr, primary, backup } = encodeGpt(template)
  const [main, behind] = [Buffer.concat([protectiveMbr, primary.bytes]), Buffer.from(backup.bytes)]
  const entrySectors = 16384 / sectorSize
  const header = { main: sectorSize, behind: entrySectors * sectorSize }
  for (const [buffer, at] of [
    [main, header.main],
    [behind, header.behind],
  ] as const) {
    buffer.fill(0, at + 16, at + 20)
    buffer.fill(0, at + 48, at + 56)
    buffer.fill(0, at + 88, at + 92)
  }
  main.fill(0, header.main + 32, header.main + 40)
  behind.fill(0, header.behind + 24, header.behind + 32)
  behind.fill(0, header.behind + 72, header.behind + 80)
  const grows = template.entries.findIndex(
    (entry) => partitions.find((p) => p.lun === lun && p.name === entry.name)?.sectors === 0,
  )
  return {
    [`gpt_main${lun}.bin`]: main,
    [`gpt_backup${lun}.bin`]: behind,
    [`rawprogram${lun}.xml`]: rawprogramXml([
      ...template.entries.map((entry) => {
        const partition = partitions.find((p) => p.lun === lun && p.name === entry.name)
        return program({
          sectorSize,
          lun,
          label: entry.name,
          start: entry.firstLba,
          sectors: partition?.sectors ?? 0,
          file: partition?.file ?? '',
          sparse: partition?.sparse ?? false,
        })
      }),
      program({
        sectorSize,
        lun,
        label: 'PrimaryGPT',
        start: 0,
        sectors: entrySectors + 2,
        file: `gpt_main${lun}.bin`,
      }),
      program({
        sectorSize,
        lun,
        label: 'BackupGPT',
        start: `NUM_DISK_SECTORS-${entrySectors + 1}.`,
        sectors: entrySectors + 1,
        file: `gpt_backup${lun}.bin`,
      }),
    ]),
    [`patch${lun}.xml`]: patchXml(patches(lun, sectorSize, grows)),
  }
}

export interface ProgramText {
  readonly sectorSize?: number
  readonly lun?: number
  readonly label: string
  readonly start: number | string
  readonly sectors: number
  readonly file: string
  readonly sparse?: boolean
  readonly offset?: number
  readonly more?: string
}

export function program(p: ProgramText): string {
  const { sectorSize = SECTORS, lun = 0, sparse = false, offset = 0, more = '' } = p
  return `<program SECTOR_SIZE_IN_BYTES="${sectorSize}" file_sector_offset="${offset}" filename="${p.file}" label="${p.label}" num_partition_sectors="${p.sectors}" partofsingleimage="false" physical_partition_number="${lun}" readbackverify="false" size_in_KB="${(p.sectors * sectorSize) / 1024}" sparse="${sparse}" start_sector="${p.start}" ${more}/>`
}

export function rawprogramXml(programs: readonly string[]): string {
  return ['<?xml version="1.0" ?>', '<data>', ...programs, '</data>', ''].join('\n')
}

export function patchXml(lines: readonly string[]): string {
  return ['<?xml version="1.0" ?>', '<patches>', ...lines, '</patches>', ''].join('\n')
}

export interface PatchText {
  readonly lun?: number
  readonly sectorSize?: number
  readonly start: number | string
  readonly offset: number
  readonly size: number
  readonly value: number | string
  readonly file?: string
}

export function patch(p: PatchText): string {
  const { lun = 0, sectorSize = SECTORS, file = 'DISK' } = p
  return `<patch SECTOR_SIZE_IN_BYTES="${sectorSize}" byte_offset="${p.offset}" filename="${file}" physical_partition_number="${lun}" size_in_bytes="${p.size}" start_sector="${p.start}" value="${p.value}" what="test"/>`
}

/** As ptool writes them: each for the file and for the disk. */
function patches(lun: number, sectorSize: number, grows: number): readonly string[] {
  const entrySectors = 16384 / sectorSize
  const last = `NUM_DISK_SECTORS-${entrySectors + 2}.`
  const array = `NUM_DISK_SECTORS-${entrySectors + 1}.`
  const common = { lun, sectorSize }
  const main = (start: number, offset: number, size: number, value: string) =>
    [`gpt_main${lun}.bin`, 'DISK'].map((file) => patch({ ...common, start, offset, size, value, file }))
  const backup = (
    at: 'array' | 'header',
    offset: number,
    size: number,
    [inFile, onDisk]: readonly [string, string],
  ) => {
    const place = at === 'header' ? [entrySectors, 'NUM_DISK_SECTORS-1.'] : [0, array]
    return [
      patch({ ...common, start: place[0] ?? 0, offset, size, value: inFile, file: `gpt_backup${lun}.bin` }),
      patch({ ...common, start: place[1] ?? 0, offset, size, value: onDisk }),
    ]
  }
  const both = (value: string) => [value, value] as const
  const entry = grows * 128
  return [
    ...(grows < 0
      ? []
      : [
          ...main(2 + Math.floor(entry / sectorSize), (entry % sectorSize) + 40, 8, last),
          ...(sectorSize === 4096
            ? backup('array', entry + 40, 8, both(last))
            : grownInBackup(common, entry, last, array)),
        ]),
    ...main(1, 48, 8, last),
    ...backup('header', 48, 8, both(last)),
    ...main(1, 32, 8, 'NUM_DISK_SECTORS-1.'),
    ...backup('header', 24, 8, both('NUM_DISK_SECTORS-1.')),
    ...backup('header', 72, 8, both(array)),
    ...main(1, 88, 4, 'CRC32(2,4096)'),
    ...backup('header', 88, 4, ['CRC32(0,4096)', `CRC32(${array},4096)`]),
    ...main(1, 16, 4, '0'),
    ...main(1, 16, 4, 'CRC32(1,92)'),
    ...backup('header', 16, 4, both('0')),
    ...backup('header', 16, 4, [`CRC32(${entrySectors},92)`, 'CRC32(NUM_DISK_SECTORS-1.,92)']),
  ]
}

function grownInBackup(
  common: { readonly lun: number; readonly sectorSize: number },
  entry: number,
  last: string,
  array: string,
) {
  const sector = Math.floor(entry / common.sectorSize)
  const offset = (entry % common.sectorSize) + 40
  const start = `NUM_DISK_SECTORS-${Number(/-(\d+)/.exec(array)?.[1]) - sector}.`
  return [
    patch({ ...common, start: sector, offset, size: 8, value: last, file: `gpt_backup${common.lun}.bin` }),
    patch({ ...common, start, offset, size: 8, value: last }),
  ]
}

/** Writes the files into a folder. @returns its path. */
export function putFolder(folder: string, files: PackageFiles): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

export async function edlZip(files: PackageFiles, compress = false): Promise<Buffer> {
  const members = Object.entries(files).map(([name, content]) => ({
    name,
    content: Buffer.from(content as Uint8Array),
    compress,
  }))
  return Buffer.concat(await collect(zipBytes(members)))
}
