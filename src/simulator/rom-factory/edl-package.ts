// EDL packages: rawprogram and patch files for each LUN, partition tables, images, and the loader (zte-domain §3.1).
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { GptEntry, GptTable } from '../../main/core/formats/gpt.ts'
import { type ZipMember, zipBytes } from '../../main/core/formats/zip-writer.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { SLOTS, type Slot, splitSlot } from '../../shared/units.ts'
import { loaderFor } from '../edl/make-loader.ts'
import type { EdlProfile } from '../profiles/edl-types.ts'
import type { PartitionProfile, TerminalProfile } from '../profiles/types.ts'
import { randomBytes } from '../randomness.ts'
import { factoryTables } from '../storage/layout.ts'
import { tableFiles } from './edl-tables.ts'
import { contentsXml, type ProgramEntry, patchXml, programXml } from './edl-xml.ts'
import type { ImageFormat } from './fastboot-set.ts'
import { imageBytes } from './image-chunks.ts'
import type { NamedImage } from './payload-writer.ts'
import { type SparseOptions, sparseFileBytes } from './sparse-file.ts'
import { wholeSuperImage } from './super-image.ts'
import { writeFileWhole } from './write-file.ts'

export interface EdlOptions {
  /** Which slots the package has images for; the entries of the other have no file. Default both. */
  readonly slots?: readonly Slot[]
  /** Images as they are, or as Android sparse files; a function decides for each base name. Default raw. */
  readonly format?: ImageFormat | ((name: string) => ImageFormat)
  readonly sparseZeros?: SparseOptions['zeros']
  /** Base names of images that lie in pieces, one entry each, in `rawprogram_unsparseN.xml`; holes are left out. */
  readonly unsparse?: readonly string[]
  /** Default: the one that the maker has for the terminal; null: none. */
  readonly loader?: Uint8Array | null
  /** Writes `contents.xml`; each flavour has tables and lists of its own in a folder of its name. */
  readonly flavours?: readonly string[]
  /** From another terminal of the model: a table in which userdata has so many bytes and nothing grows (zte-domain §0.8). */
  readonly donorUserdata?: number
  /** With radio and identity partitions of the terminal that it was read from (zte-domain §0.7). */
  readonly donorIdentity?: boolean
  /** Without tables and patches. */
  readonly noTables?: boolean
}

export interface EdlPackage extends EdlOptions {
  readonly profile: TerminalProfile
  /** By base name. */
  readonly images: readonly NamedImage[]
  readonly signal: AbortSignal
}

/** Radio and identity, as a backup of a whole terminal has them. */
const IDENTITY = /^(persist|modemst\d|fsg|fsc)$/

/** The files of a package, stored when they are put into a zip.
 * @throws SlotbenchError `internal` when the profile has no EDL. */
export async function edlMembers(order: EdlPackage): Promise<ZipMember[]> {
  const { profile } = order
  const { edl } = profile
  if (!edl) throw new SlotbenchError('internal', `${profile.id} has no EDL`)
  const images = await imageFiles(order)
  const tables = new Map(
    Array.from(factoryTables(profile), ([lun, table]) => [lun, donorTable(table, order.donorUserdata)]),
  )
  const folders = order.flavours?.map((flavour) => `${flavour}/`) ?? ['']
  const loader = order.loader === undefined ? loaderFor(profile) : order.loader
  const lists = [...tables].flatMap(([lun, table]) => lunMembers(order, lun, table, images))
  return [
    ...(loader ? [member(edl.loaderName, loader)] : []),
    ...folders.flatMap((folder) => lists.map((one) => ({ ...one, name: `${folder}${one.name}` }))),
    ...contents(order, edl, lists, images),
    ...[...images.values()].flatMap(({ files }) =>
      files.map(({ name, content }) => ({ name, content, compress: true })),
    ),
  ]
}

export async function edlZipBytes(order: EdlPackage): Promise<AsyncGenerator<Uint8Array>> {
  return zipBytes(await edlMembers(order))
}

export async function writeEdlFolder(folder: string, order: EdlPackage): Promise<void> {
  for (const { name, content } of await edlMembers(order)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFileWhole(path, content instanceof Uint8Array ? [content] : content(), order.signal)
  }
}

interface ImageFile {
  readonly name: string
  /** Bytes from the start of the partition. */
  readonly offset: number
  /** Of the expanded image. */
  readonly size: number
  readonly content: () => AsyncIterable<Uint8Array>
}

interface ImageFiles {
  readonly sparse: boolean
  /** The entries stand in a list of their own. */
  readonly unsparse: boolean
  readonly files: readonly ImageFile[]
}

async function imageFiles(order: EdlPackage): Promise<ReadonlyMap<string, ImageFiles>> {
  const files = new Map<string, ImageFiles>()
  for (const { name, image } of physicalImages(order)) {
    const partition = order.profile.partitions.find((one) => one.name === name)
    const file = fileNameOf(name, partition)
    if (order.unsparse?.includes(name)) {
      files.set(name, { sparse: false, unsparse: true, files: await pieces(file, image, order.signal) })
      continue
    }
    const { format = 'raw', sparseZeros = 'fill' } = order
    const sparse = (typeof format === 'function' ? format(name) : format) === 'sparse'
    const content = () =>
      sparse
        ? sparseFileBytes(image, { zeros: sparseZeros, signal: order.signal })
        : imageBytes(image, order.signal)
    files.set(name, {
      sparse,
      unsparse: false,
      files: [{ name: file, offset: 0, size: image.size, content }],
    })
  }
  if (order.donorIdentity)
    for (const { name, size } of order.profile.partitions) {
      if (!IDENTITY.test(name)) continue
      const bytes = randomBytes(`donor ${name}`, size)
      const content = async function* () {
        yield bytes
      }
      files.set(name, {
        sparse: false,
        unsparse: false,
        files: [{ name: `${name}.bin`, offset: 0, size, content }],
      })
    }
  return files
}

/** Logical partitions lie together in super. */
function physicalImages({ profile, images }: EdlPackage): readonly NamedImage[] {
  const logical = new Set(profile.partitions.filter((one) => one.logical).map(({ name }) => name))
  if (logical.size === 0) return images
  return [
    ...images.filter(({ name }) => !logical.has(name)),
    { name: 'super', image: wholeSuperImage(profile, images) },
  ]
}

/** As makers name them: the chip maker's own parts do not bear the name of their partition. */
function fileNameOf(name: string, partition: PartitionProfile | undefined): string {
  if (name === 'modem') return 'NON-HLOS.bin'
  return partition?.verification === 'firmware' ? `${name}.elf` : `${name}.img`
}

const MIB = 1024 * 1024
/** So many files at least, where the image is large enough for them. */
const PIECES = 8

/** The parts of an image that matter, as files of some MiB. */
async function pieces(
  file: string,
  image: NamedImage['image'],
  signal: AbortSignal,
): Promise<readonly ImageFile[]> {
  const found: { offset: number; size: number }[] = []
  const largest = Math.max(1, Math.floor(image.size / PIECES / MIB)) * MIB
  for await (const extent of image.extents({ signal })) {
    if (extent.kind === 'hole') continue
    const end = extent.offset + (extent.kind === 'data' ? extent.bytes.length : extent.length)
    for (let at = extent.offset; at < end; ) {
      const last = found.at(-1)
      const open = last && last.offset + last.size === at && last.size < largest ? last : undefined
      const length = Math.min(end - at, largest - (open?.size ?? 0))
      if (open) open.size += length
      else found.push({ offset: at, size: length })
      at += length
    }
  }
  return found.map(({ offset, size }, i) => ({
    ...{ name: file.replace(/\.img$/, `_${i + 1}.img`), offset, size },
    content: () => section(image, offset, size, signal),
  }))
}

async function* section(
  image: NamedImage['image'],
  offset: number,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const bytes of imageBytes(image, signal)) {
    const [from, to] = [Math.max(offset - at, 0), Math.min(offset + size - at, bytes.length)]
    if (from < to) yield bytes.subarray(from, to)
    at += bytes.length
    if (at >= offset + size) return
  }
}

/** rawprogram, patch and tables of one LUN. */
function lunMembers(
  order: EdlPackage,
  lun: number,
  table: GptTable,
  images: ReadonlyMap<string, ImageFiles>,
): ZipMember[] {
  const slots = order.slots ?? SLOTS
  const entries = table.entries.map((entry) => {
    const { base, slot } = splitSlot(entry.name)
    const known = order.profile.partitions.find(({ name, slotted }) => name === (slotted ? base : entry.name))
    const name = known?.name ?? entry.name
    const files = slot !== undefined && !slots.includes(slot) ? undefined : images.get(name)
    return { entry, files }
  })
  const unsparse = entries.some(({ files }) => files?.unsparse)
  const programs = entries.flatMap(({ entry, files }) => programEntries(lun, table, entry, files))
  const list = `rawprogram${unsparse ? '_unsparse' : ''}${lun}.xml`
  if (order.noTables) return [member(list, programXml(table.sectorSize, programs))]
  const { main, backup, patches } = tableFiles(lun, table, order.donorUserdata !== undefined)
  const tables = tableEntries(lun, table, { main, backup })
  return [
    member(list, programXml(table.sectorSize, [...programs, ...tables])),
    member(`patch${lun}.xml`, patchXml(table.sectorSize, lun, patches)),
    member(`gpt_main${lun}.bin`, main),
    member(`gpt_backup${lun}.bin`, backup),
  ]
}

function programEntries(
  lun: number,
  { sectorSize }: GptTable,
  { name, firstLba, lastLba }: GptEntry,
  images: ImageFiles | undefined,
): readonly ProgramEntry[] {
  const sectors = lastLba - firstLba + 1
  const whole = { lun, label: name, startSector: String(firstLba), startByte: firstLba * sectorSize, sectors }
  if (!images) return [{ ...whole, filename: '', sparse: false }]
  const { sparse } = images
  if (!images.unsparse) return images.files.map(({ name: filename }) => ({ ...whole, filename, sparse }))
  return images.files.map((file) => {
    const start = firstLba + file.offset / sectorSize
    return {
      ...{
        lun,
        label: name,
        startSector: String(start),
        startByte: start * sectorSize,
        sparse,
        filename: file.name,
      },
      sectors: Math.ceil(file.size / sectorSize),
    }
  })
}

function tableEntries(
  lun: number,
  { sectorSize }: GptTable,
  files: { readonly main: Uint8Array; readonly backup: Uint8Array },
): readonly ProgramEntry[] {
  const [main, backup] = [files.main.length / sectorSize, files.backup.length / sectorSize]
  return [
    {
      ...{ lun, label: 'PrimaryGPT', filename: `gpt_main${lun}.bin`, sparse: false },
      ...{ startSector: '0', startByte: 0, sectors: main },
    },
    {
      ...{ lun, label: 'BackupGPT', filename: `gpt_backup${lun}.bin`, sparse: false },
      ...{ startSector: `NUM_DISK_SECTORS-${backup}.`, sectors: backup },
      startByte: `(${sectorSize}*NUM_DISK_SECTORS)-${files.backup.length}.`,
    },
  ]
}

/** The donor's userdata is smaller, and what it lacks is nobody's. */
function donorTable(table: GptTable, userdata: number | undefined): GptTable {
  if (userdata === undefined) return table
  const entries = table.entries.map((entry) =>
    entry.name === 'userdata'
      ? { ...entry, lastLba: entry.firstLba + Math.floor(userdata / table.sectorSize) - 1 }
      : entry,
  )
  return { ...table, entries }
}

function contents(
  { flavours, profile }: EdlPackage,
  edl: EdlProfile,
  lists: readonly ZipMember[],
  images: ReadonlyMap<string, ImageFiles>,
): readonly ZipMember[] {
  if (!flavours) return []
  const named = (pattern: RegExp) => lists.map(({ name }) => name).filter((name) => pattern.test(name))
  const text = contentsXml({
    ...{ product: profile.product, chip: edl.programmer.target, flavours, loader: edl.loaderName },
    storage: edl.programmer.memory,
    programs: named(/^rawprogram/),
    patches: named(/^patch/),
    tables: named(/\.bin$/),
    images: [...images.values()].flatMap(({ files }) => files.map(({ name }) => name)),
  })
  return [member('contents.xml', text)]
}

function member(name: string, content: Uint8Array | string): ZipMember {
  return { name, content: typeof content === 'string' ? Buffer.from(content) : content, compress: true }
}
