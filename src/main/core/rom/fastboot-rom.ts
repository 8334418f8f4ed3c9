// A fastboot image set (folder, zip, or the zip inside a factory zip) as a ROM.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PackageKind, RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import type { Sha256, Slot } from '../../../shared/units.ts'
import { parseAndroidInfo, productsOf } from '../formats/android-info.ts'
import { parseFastbootInfo } from '../formats/fastboot-info.ts'
import { byteSourceImage } from '../formats/raw-image.ts'
import { isSparse, openSparse } from '../formats/sparse-reader.ts'
import type { SuperMetadata } from '../formats/super.ts'
import type { ByteSource, ImageSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import { avbInfo, imageToCheck, readAvbFacts } from './avb-facts.ts'
import { type FileSet, readText } from './file-set.ts'
import { fileChecks } from './set-checks.ts'
import { readDigests } from './set-digests.ts'
import { setFingerprint } from './set-fingerprint.ts'
import { layoutOf, type SetImage } from './set-layout.ts'
import { groupsOf, openSuper } from './super-container.ts'
import { readSuperEmpty } from './super-empty.ts'
import type { Rom } from './types.ts'

export interface SetPackage {
  readonly kind: PackageKind
  readonly path: string
  readonly packageSize: number
  readonly files: FileSet
  readonly notes: readonly string[]
  close(): Promise<void>
}

/** A file of the set. */
interface OpenedFile {
  readonly entry: SetImage
  readonly source: ByteSource
  readonly image: ImageSource
}

/** An image of the ROM: a file, or a partition inside super.img. */
interface OpenedImage {
  readonly name: string
  readonly slot: Slot | undefined
  readonly image: ImageSource
  /** What super.img says of a partition inside it. */
  readonly inside?: { readonly slotted: boolean }
}

/** @throws SlotbenchError of the formats inside; `package-incomplete` when there is no image to write. */
export async function openFastbootRom(
  opened: SetPackage,
  workshop: Workshop,
  signal: AbortSignal,
): Promise<Rom> {
  const opening: OpenedFile[] = []
  const close = async () => {
    for (const { source } of opening) await source.close()
    await opened.close()
  }
  try {
    const rom = await readSet(opened, { opening, workshop, signal })
    return { ...rom, close }
  } catch (error) {
    for (const { source } of opening) await source.close()
    throw error
  }
}

interface Work {
  /** Filled as the files are opened, so that they can be closed whatever happens. */
  readonly opening: OpenedFile[]
  readonly workshop: Workshop
  readonly signal: AbortSignal
}

async function readSet(opened: SetPackage, { opening, workshop, signal }: Work): Promise<Omit<Rom, 'close'>> {
  const { files } = opened
  const androidInfo = await readText(files, 'android-info.txt', signal)
  const fastbootInfo = await readText(files, 'fastboot-info.txt', signal)
  const requirements = androidInfo === undefined ? [] : parseAndroidInfo(androidInfo)
  const layout = layoutOf(files, fastbootInfo && parseFastbootInfo(fastbootInfo))
  if (layout.images.length === 0)
    throw new SlotbenchError('package-incomplete', 'the set holds no image that names a partition')
  const digests = await readDigests(files, signal)
  for (const entry of layout.images) opening.push(await openImage(entry, digests, signal))
  const { images, metadata } = await withSuperOpened(opening, signal)
  const superEmpty = await readSuperEmpty(files, digests, signal)
  const superMetadata = superEmpty?.metadata ?? metadata
  const avb = await readAvbFacts((name) => imageToCheck(images, name), signal)
  const info: RomInfo = {
    kind: opened.kind,
    path: opened.path,
    packageSize: opened.packageSize,
    fingerprint: await setFingerprint(files, signal),
    models: productsOf(requirements),
    ...(avb?.build === undefined ? {} : { build: avb.build }),
    ...(avb?.securityPatch === undefined ? {} : { securityPatch: avb.securityPatch }),
    ...avbInfo(avb),
    full: layout.complete,
    downgrade: false,
    requirements,
    dynamicGroups: groupsOf(superMetadata),
    images: images.map((image) => imageInfo(image, superMetadata)),
    ...(superEmpty?.offered === undefined ? {} : { superEmpty: superEmpty.offered.info }),
    notes: [...opened.notes, ...layout.notes],
  }
  return {
    info,
    containerChecks: fileChecks(
      opening.map(({ entry, source, image }) => {
        // What `verifyRom` compares anyway needs no pass of its own.
        const compared = image.sha256 !== undefined && images.some((one) => one.image === image)
        return {
          source,
          crc32: entry.file.crc32,
          sha256: compared ? undefined : digests.get(entry.file.name),
        }
      }),
      workshop,
    ),
    image({ name, slot }) {
      const found = images.find((one) => one.name === name && one.slot === slot)
      if (found !== undefined) return found.image
      const { offered } = superEmpty ?? {}
      if (name === offered?.info.name && slot === undefined) return offered.image
      throw new SlotbenchError('package-incomplete', `the set has no image for ${name}`)
    },
  }
}

const SPARSE_START = 28

async function openImage(
  entry: SetImage,
  digests: ReadonlyMap<string, Sha256>,
  signal: AbortSignal,
): Promise<OpenedFile> {
  const source = await entry.file.open(signal)
  try {
    const sparse = isSparse(await source.read(0, Math.min(SPARSE_START, source.size), signal))
    const digest = digests.get(entry.file.name)
    const raw = byteSourceImage(source, digest === undefined ? {} : { sha256: digest })
    return { entry, source, image: sparse ? await openSparse(source) : raw }
  } catch (error) {
    await source.close()
    throw error
  }
}

const SUPER = 'super'

/** The files as images, super.img replaced by what is inside it. */
async function withSuperOpened(
  files: readonly OpenedFile[],
  signal: AbortSignal,
): Promise<{ readonly images: readonly OpenedImage[]; readonly metadata: SuperMetadata | undefined }> {
  const images: OpenedImage[] = []
  let metadata: SuperMetadata | undefined
  for (const { entry, source, image } of files) {
    if (entry.name !== SUPER) {
      images.push({ name: entry.name, slot: entry.slot, image })
      continue
    }
    const container = await openSuper(source, signal)
    metadata = container.metadata
    for (const { slotted, ...inner } of container.images) images.push({ ...inner, inside: { slotted } })
  }
  refuseTwice(images)
  return { images, metadata }
}

/** The same partition beside super.img and inside it: nobody could say which one is meant. */
function refuseTwice(images: readonly OpenedImage[]): void {
  const seen = new Set<string>()
  for (const { name, slot } of images) {
    const key = `${name} ${slot ?? ''}`
    if (seen.has(key))
      throw new SlotbenchError(
        'package-unsafe',
        `the set holds two images for ${name}, one of them in super.img`,
      )
    seen.add(key)
  }
}

/** Partitions that hold for both slots on every terminal (zte-domain §1.3). */
const NEVER_SLOTTED = new Set(['userdata', 'metadata', 'misc'])

function imageInfo(opened: OpenedImage, metadata: SuperMetadata | undefined): RomImageInfo {
  const { name, slot, image, inside } = opened
  const never = NEVER_SLOTTED.has(name)
  const logical = metadata?.partitions.some((partition) => partition.name.replace(/_[ab]$/, '') === name)
  const placement = never ? 'physical' : logical === undefined ? 'ask' : logical ? 'logical' : 'physical'
  return {
    name,
    ...(slot === undefined ? {} : { slot }),
    slotted: slot !== undefined || inside?.slotted === true ? 'yes' : never ? 'no' : 'ask',
    placement,
    size: image.size,
    ...(image.sha256 === undefined ? {} : { sha256: image.sha256 }),
  }
}
