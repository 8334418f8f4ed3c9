// A Qualcomm EDL package (rawprogram and patch files, images, programmers; a folder or a zip) as a ROM.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PackageTable, RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import type { Slot } from '../../../shared/units.ts'
import type { ProgramEntry } from '../formats/rawprogram.ts'
import type { SuperMetadata } from '../formats/super.ts'
import { LP_VIRTUAL_AB } from '../formats/super-builder.ts'
import type { ByteSource, ImageSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import { avbInfo, imageToCheck, readAvbFacts } from './avb-facts.ts'
import {
  isTableEntry,
  type PartitionImage,
  type PlacedFile,
  readImages,
  refuseOverlaps,
} from './edl-images.ts'
import { chooseVariant, type EdlVariant, readLayout } from './edl-layout.ts'
import { readLoaders } from './edl-loaders.ts'
import { edlNames, modelsOf } from './edl-names.ts'
import { findTable, MAX_TABLE_FILE, type TableRecipe } from './edl-tables.ts'
import { readWanted, strayPatches, type Wanted } from './edl-wanted.ts'
import { type FileSet, readText, readWhole, type SetFile } from './file-set.ts'
import { patchedSource } from './patched-source.ts'
import { fileChecks } from './set-checks.ts'
import { readDigests } from './set-digests.ts'
import { setFingerprint } from './set-fingerprint.ts'
import { groupsOf, openSuperImage } from './super-container.ts'
import type { Rom } from './types.ts'

export interface EdlPackage {
  readonly kind: 'edl-folder' | 'edl-zip'
  readonly path: string
  readonly packageSize: number
  /** All of it, by paths. */
  readonly files: FileSet
  /** Which variant is meant, where it has several. */
  readonly flavour: string | undefined
  close(): Promise<void>
}

/** @throws SlotbenchError `rawprogram-invalid`, `package-variant` when it has several variants and none was chosen,
 * `package-incomplete` naming every file that is missing, and the errors of the formats inside. */
export async function openEdlRom(opened: EdlPackage, workshop: Workshop, signal: AbortSignal): Promise<Rom> {
  const sources = new Map<SetFile, ByteSource>()
  const close = async () => {
    for (const source of sources.values()) await source.close()
    await opened.close()
  }
  try {
    const rom = await readPackage(opened, { sources, workshop, signal })
    return { ...rom, close }
  } catch (error) {
    for (const source of sources.values()) await source.close()
    throw error
  }
}

interface Work {
  /** Filled as files are opened, so that they can be closed whatever happens. */
  readonly sources: Map<SetFile, ByteSource>
  readonly workshop: Workshop
  readonly signal: AbortSignal
}

async function readPackage(opened: EdlPackage, work: Work): Promise<Omit<Rom, 'close'>> {
  const { files } = opened
  const layout = await readLayout(files, work.signal)
  const variant = chooseVariant(layout, opened.flavour)
  const wanted = await readWanted(files, layout, variant, work.signal)
  const notes = [...layout.notes, ...wanted.notes]
  for (const { file } of wanted.programs)
    if (!work.sources.has(file)) work.sources.set(file, await file.open(work.signal))
  const tables = await readTables(wanted, notes, work.signal)
  const images = await withSuperOpened(await readFiles(wanted, tables, notes, work), work.signal)
  const avb = await readAvbFacts((name) => imageToCheck(images.list, name), work.signal)
  const loaders = await readLoaders(files, layout, variant, { notes, signal: work.signal })
  const given = { path: opened.path, root: layout.root, given: layout.names, build: avb?.build }
  const names = edlNames({ ...given, loaders: loaders.map(({ name }) => name) })
  const info: RomInfo = {
    kind: opened.kind,
    path: opened.path,
    packageSize: opened.packageSize,
    fingerprint: await packageFingerprint(wanted, variant, files, work.signal),
    models: modelsOf(names),
    ...(avb?.build === undefined ? {} : { build: avb.build }),
    ...(avb?.securityPatch === undefined ? {} : { securityPatch: avb.securityPatch }),
    ...avbInfo(avb),
    full: true,
    downgrade: false,
    requirements: [],
    dynamicGroups: groupsOf(images.metadata),
    ...(((images.metadata?.flags ?? 0) & LP_VIRTUAL_AB) === 0 ? {} : { virtualAb: true }),
    images: images.list.map(imageInfo),
    edl: {
      ...(variant.name === '' ? {} : { flavour: variant.name }),
      flavours: layout.variants.map(({ name }) => name).filter((name) => name !== ''),
      ...(variant.memory === undefined ? {} : { memory: variant.memory }),
      sectorSize: wanted.sectorSize,
      luns: [...wanted.luns],
      loaders,
      names,
      programs: wanted.programs.map(({ entry, file }) => ({
        ...{ label: entry.label, file: file.name, lun: entry.lun },
        ...{ start: entry.start.text, sectors: entry.sectors },
      })),
      skipped: wanted.others,
    },
    tables: [...tables],
    notes,
  }
  const digests = await readDigests(files, work.signal)
  const checked = [...work.sources].map(([file, source]) => ({
    ...{ source, crc32: file.crc32, sha256: digests.get(file.name) },
  }))
  return {
    info,
    containerChecks: fileChecks(checked, work.workshop),
    image: ({ name, slot }) => {
      const found = images.list.find((one) => one.name === name && one.slot === slot)
      if (found !== undefined) return found.image
      throw new SlotbenchError('package-incomplete', `the package has no image for ${name}`)
    },
    loader: async (name) => {
      const file = loaders.some((one) => one.name === name) ? files.get(name) : undefined
      if (file === undefined)
        throw new SlotbenchError('package-incomplete', `the package has no programmer ${name}`)
      return file.open()
    },
  }
}

async function readTables(
  wanted: Wanted,
  notes: string[],
  signal: AbortSignal,
): Promise<readonly PackageTable[]> {
  const tables: PackageTable[] = []
  const parts = wanted.programs.filter(({ entry }) => isTableEntry(entry))
  for (const [lun, group] of [...Map.groupBy(parts, ({ entry }) => entry.lun)].toSorted(
    ([a], [b]) => a - b,
  )) {
    const programs: { entry: ProgramEntry; bytes: Uint8Array }[] = []
    for (const { entry, file } of group)
      programs.push({ entry, bytes: await tableBytes(entry, file, signal) })
    const patches = wanted.patches.filter((patch) => patch.lun === lun)
    const recipe: TableRecipe = { lun, sectorSize: wanted.sectorSize, programs, patches }
    const found = await findTable(recipe)
    if (typeof found === 'string') notes.push(found)
    else {
      tables.push(found.table)
      notes.push(...found.notes)
    }
  }
  return tables
}

async function tableBytes(entry: ProgramEntry, file: SetFile, signal: AbortSignal): Promise<Uint8Array> {
  const invalid = (detail: string) => new SlotbenchError('rawprogram-invalid', `${entry.place}: ${detail}`)
  const room = entry.sectors === 0 ? MAX_TABLE_FILE : entry.sectors * entry.sectorSize
  if (entry.fileSectorOffset > 0) throw invalid('part of a file as a partition table')
  if (file.size > Math.min(room, MAX_TABLE_FILE))
    throw invalid(`${file.name} has ${file.size} bytes, more than its ${entry.sectors} sectors`)
  return readWhole(file, signal)
}

/** Everything that is no table as images, with the patches for files laid over them. */
async function readFiles(
  wanted: Wanted,
  tables: readonly PackageTable[],
  notes: string[],
  { sources, signal }: Work,
): Promise<readonly PartitionImage[]> {
  const sizeOf = new Map(
    wanted.programs.map(({ entry, file }) => [
      entry,
      entry.sectors || Math.ceil(file.size / entry.sectorSize),
    ]),
  )
  refuseOverlaps([...sizeOf.keys()], (entry) => sizeOf.get(entry) ?? 0)
  notes.push(...strayPatches(wanted, (entry) => sizeOf.get(entry) ?? 0))
  const patched = new Map<SetFile, ByteSource>()
  const placed: PlacedFile[] = []
  for (const { entry, file } of wanted.programs) {
    if (isTableEntry(entry)) continue
    const source = sources.get(file)
    if (source === undefined) throw new SlotbenchError('internal', `${file.name} was not opened`)
    const patches = wanted.patches.filter((patch) => patch.file !== undefined && patch.file === entry.file)
    if (!patched.has(file))
      patched.set(file, patches.length === 0 ? source : await patchedSource(source, patches, signal))
    placed.push({ entry, source: patched.get(file) ?? source })
  }
  return readImages(placed, { tables, notes, signal })
}

interface OpenedImage {
  readonly name: string
  readonly slot: Slot | undefined
  readonly image: ImageSource
  readonly placement: 'physical' | 'logical'
  readonly slotted: boolean
}

const SUPER = 'super'

/** A whole super becomes the logical partitions inside it, as in fastboot sets: super itself holds the system of the slot that runs. */
async function withSuperOpened(
  files: readonly PartitionImage[],
  signal: AbortSignal,
): Promise<{ readonly list: readonly OpenedImage[]; readonly metadata: SuperMetadata | undefined }> {
  const list: OpenedImage[] = []
  let metadata: SuperMetadata | undefined
  for (const { name, slot, image } of files) {
    if (name !== SUPER || slot !== undefined) {
      list.push({ name, slot, image, placement: 'physical', slotted: slot !== undefined })
      continue
    }
    const container = await openSuperImage(image, SUPER, signal)
    metadata = container.metadata
    for (const inner of container.images) list.push({ ...inner, placement: 'logical' })
  }
  const seen = new Set<string>()
  for (const { name, slot } of list) {
    const key = `${name} ${slot ?? ''}`
    if (seen.has(key))
      throw new SlotbenchError(
        'package-unsafe',
        `the package holds two images for ${name}, one of them in super`,
      )
    seen.add(key)
  }
  return { list, metadata }
}

/** Labels are names of real partitions, so one without a suffix has no slots. */
function imageInfo({ name, slot, image, placement, slotted }: OpenedImage): RomImageInfo {
  return {
    name,
    ...(slot === undefined ? {} : { slot }),
    slotted: slotted ? 'yes' : 'no',
    placement,
    size: image.size,
    ...(image.sha256 === undefined ? {} : { sha256: image.sha256 }),
  }
}

/** The variant and its XML files count in full, everything else as in other sets. */
async function packageFingerprint(
  wanted: Wanted,
  variant: EdlVariant,
  files: FileSet,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([variant.name, variant.memory ?? '']))
  for (const path of [...variant.rawprograms, ...variant.patches])
    hash.update((await readText(files, path, signal)) ?? '')
  const used = new Map(wanted.programs.map(({ file }) => [file.name, file]))
  return hash.update(await setFingerprint(used, signal)).digest('hex')
}
