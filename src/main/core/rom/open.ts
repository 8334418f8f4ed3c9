// Any package becomes one ROM: what it is, is told by its content, never by its name.
import { SlotbenchError } from '../../../shared/errors.ts'
import { isPayload } from '../formats/payload.ts'
import { openDelta } from '../formats/payload-delta.ts'
import { isZip, openZip, type ZipArchive } from '../formats/zip.ts'
import type { ByteSource } from '../source.ts'
import { readOtaClaim } from '../trust/claims.ts'
import type { Workshop } from '../workshop.ts'
import type { DeltaPackage } from './delta.ts'
import { isEdlPackage } from './edl-layout.ts'
import { type EdlPackage, openEdlRom } from './edl-rom.ts'
import { openFastbootRom } from './fastboot-rom.ts'
import { allZipFiles, type FileSet, folderFiles, type PackageFolder, readText, zipFiles } from './file-set.ts'
import { checkProperties, openPayloadRom, type PayloadPackage, payloadTexts } from './payload-rom.ts'
import type { Rom } from './types.ts'

export interface OpenRomDeps {
  /** @throws SlotbenchError `package-not-found` or `host-io`. */
  openFile(path: string): Promise<ByteSource>
  /** @returns undefined when `path` is not a folder. */
  openFolder(path: string): Promise<PackageFolder | undefined>
  readonly workshop: Workshop
  /** Which variant of the package is meant, where it holds several (EDL packages). */
  readonly flavour?: string | undefined
}

/** Opens the package at `path`; the images are read later, as they are needed.
 * @throws SlotbenchError `package-unknown`, `package-incomplete` and the errors of the formats. */
export async function openRom(path: string, deps: OpenRomDeps, signal: AbortSignal): Promise<Rom> {
  const folder = await deps.openFolder(path)
  const tools = { workshop: deps.workshop, flavour: deps.flavour, signal }
  if (folder !== undefined) return openFolderRom(folder, tools)
  const source = await deps.openFile(path)
  try {
    return await openFileRom({ path, source }, tools)
  } catch (error) {
    await source.close()
    throw error
  }
}

interface OpenedFile {
  readonly path: string
  readonly source: ByteSource
}

const MAGIC_SIZE = 4
const META_INF = 'META-INF/com/android/'

async function openFileRom(file: OpenedFile, tools: Tools): Promise<Rom> {
  const { source } = file
  const { workshop, signal } = tools
  const magic = await source.read(0, Math.min(MAGIC_SIZE, source.size), signal)
  if (isPayload(magic)) return openPayloadRom(payloadAlone(file), workshop, signal)
  if (isZip(magic)) return openZipRom(file, await openZip(source, signal), tools)
  throw new SlotbenchError('package-unknown', `${source.name} is neither a zip nor a payload.bin`)
}

function payloadAlone({ path, source }: OpenedFile): PayloadPackage {
  const alone = { metadata: undefined, properties: undefined, notes: [] }
  const packed = { kind: 'payload', path, packageSize: source.size, payload: source, ...alone } as const
  return { ...packed, close: () => source.close() }
}

/** Opens the delta at `path`, an OTA zip or a payload.bin, with all its operations.
 * @throws SlotbenchError `package-unknown`, `usage` for a full package, `payload-unsupported` naming an operation that only the
 * terminal's updater can apply, and the errors of the formats. */
export async function openDeltaPackage(
  path: string,
  deps: Pick<OpenRomDeps, 'openFile'>,
  signal: AbortSignal,
): Promise<DeltaPackage> {
  const source = await deps.openFile(path)
  try {
    const opened = await payloadPackage({ path, source }, signal)
    const payload = await openDelta(opened.payload, signal)
    checkProperties(payload, opened.properties)
    return { path, payload, metadata: opened.metadata, close: opened.close }
  } catch (error) {
    await source.close()
    throw error
  }
}

async function payloadPackage(file: OpenedFile, signal: AbortSignal): Promise<PayloadPackage> {
  const { source } = file
  const magic = await source.read(0, Math.min(MAGIC_SIZE, source.size), signal)
  if (isPayload(magic)) return payloadAlone(file)
  if (isZip(magic)) return payloadInZip(file, await openZip(source, signal), signal)
  throw new SlotbenchError('package-unknown', `${source.name} is neither an OTA zip nor a payload.bin`)
}

interface Tools {
  readonly workshop: Workshop
  readonly flavour: string | undefined
  readonly signal: AbortSignal
}

async function openZipRom(file: OpenedFile, zip: ZipArchive, tools: Tools): Promise<Rom> {
  const names = zip.members.map((member) => member.name)
  if (zip.find('payload.bin') !== undefined) return openOtaRom(file, zip, tools)
  if (names.some((name) => name.endsWith('.transfer.list')))
    throw new SlotbenchError(
      'package-unknown',
      'this is a block-based update for terminals without slots (transfer.list), which only their recovery can apply',
    )
  const { path, source } = file
  if (isEdlPackage(names) && !isFastbootSet(zipFiles(zip, '')))
    return openEdl(
      {
        kind: 'edl-zip',
        path,
        packageSize: source.size,
        files: allZipFiles(zip),
        close: () => source.close(),
      },
      tools,
    )
  const nested = names.filter((name) => /^(?:[^/]+\/)?image-[^/]+\.zip$/.test(name))
  if (nested.length === 1) return openFactoryRom(file, { zip, inner: nested[0] ?? '' }, tools)
  const prefix = imageFolder(names)
  if (prefix === undefined)
    throw new SlotbenchError('package-unknown', `${file.source.name} holds neither a payload.bin nor images`)
  return openSetRom('fastboot-zip', file, zipFiles(zip, prefix), tools)
}

async function openOtaRom(file: OpenedFile, zip: ZipArchive, { workshop, signal }: Tools): Promise<Rom> {
  return openPayloadRom(await payloadInZip(file, zip, signal), workshop, signal)
}

async function payloadInZip(
  { path, source }: OpenedFile,
  zip: ZipArchive,
  signal: AbortSignal,
): Promise<PayloadPackage> {
  const member = zip.find('payload.bin')
  if (member === undefined) throw new SlotbenchError('package-incomplete', 'the zip has no payload.bin')
  const texts = await payloadTexts(zipFiles(zip, ''), zipFiles(zip, META_INF), signal)
  const ota = await readOtaClaim(source, signal)
  const otacert = await readText(zipFiles(zip, META_INF), 'otacert', signal)
  const signatures = { ota, ...(otacert === undefined ? {} : { otacert }) }
  const payload = await zip.open(member, signal)
  const notes =
    member.method === 'deflated'
      ? [
          'payload.bin is compressed inside the zip, so reading it takes longer than from a genuine OTA package.',
        ]
      : []
  const close = async () => {
    await payload.close()
    await source.close()
  }
  const what = { kind: 'ota-zip', path, packageSize: source.size, payload, signatures } as const
  return { ...what, ...texts, notes, close }
}

/** A factory zip keeps the image set in a zip of its own, and bootloader and radio beside it. */
async function openFactoryRom(
  file: OpenedFile,
  { zip, inner }: { readonly zip: ZipArchive; readonly inner: string },
  tools: Tools,
): Promise<Rom> {
  const member = zip.find(inner)
  if (member === undefined) throw new SlotbenchError('package-incomplete', `the zip has no ${inner}`)
  const set = await openZip(await zip.open(member, tools.signal), tools.signal)
  const prefix = imageFolder(set.members.map(({ name }) => name))
  if (prefix === undefined) throw new SlotbenchError('package-incomplete', `${inner} holds no images`)
  const beside = zipFiles(zip, inner.slice(0, inner.lastIndexOf('/') + 1))
  const firmware = [...beside].filter(([name]) => name.endsWith('.img'))
  return openSetRom('factory-zip', file, new Map([...firmware, ...zipFiles(set, prefix)]), tools)
}

async function openSetRom(
  kind: 'fastboot-zip' | 'factory-zip',
  { path, source }: OpenedFile,
  files: FileSet,
  { workshop, signal }: Tools,
): Promise<Rom> {
  const set = { kind, path, packageSize: source.size, files, notes: [], close: () => source.close() }
  return openFastbootRom(set, workshop, signal)
}

async function openFolderRom(folder: PackageFolder, tools: Tools): Promise<Rom> {
  const { path } = folder
  const { workshop, signal } = tools
  const files = folderFiles(folder)
  if (files.has('payload.bin')) {
    const payload = await folder.open('payload.bin')
    const texts = await payloadTexts(files, files, signal)
    const packed = { kind: 'payload', path, packageSize: payload.size, payload, ...texts, notes: [] } as const
    return openPayloadRom({ ...packed, close: () => payload.close() }, workshop, signal).catch(
      async (error) => {
        await payload.close()
        throw error
      },
    )
  }
  const edl = await edlFiles(folder, files)
  if (edl !== undefined)
    return openEdl({ kind: 'edl-folder', path, packageSize: 0, files: edl, close: async () => {} }, tools)
  if (imageFolder([...files.keys()]) === undefined)
    throw new SlotbenchError('package-unknown', `the folder ${path} holds no images`)
  const set = {
    kind: 'fastboot-folder',
    path,
    packageSize: 0,
    files,
    notes: [],
    close: async () => {},
  } as const
  return openFastbootRom(set, workshop, signal)
}

function openEdl(opened: Omit<EdlPackage, 'flavour'>, { workshop, flavour, signal }: Tools): Promise<Rom> {
  return openEdlRom({ ...opened, flavour }, workshop, signal)
}

/** All files of an EDL package; folders inside are only looked into where the top of it shows no other kind of package. */
async function edlFiles(folder: PackageFolder, top: FileSet): Promise<FileSet | undefined> {
  if (isFastbootSet(top)) return undefined
  const other =
    imageFolder([...top.keys()]) !== undefined && !top.has('contents.xml') && !top.has('flashmap.json')
  if (other && !isEdlPackage(top.keys())) return undefined
  const files = folderFiles(await folder.deep())
  return isEdlPackage(files.keys()) ? files : undefined
}

/** Some makers put rawprograms beside the images of a fastboot set; the set says more of itself. */
function isFastbootSet(top: FileSet): boolean {
  return top.has('android-info.txt') || top.has('fastboot-info.txt')
}

/** The folder inside a zip that the images lie in: the root, or the only folder that has any. */
function imageFolder(names: readonly string[]): string | undefined {
  const folders = new Set(
    names
      .filter((name) => /\.img$|(^|\/)android-info\.txt$/.test(name))
      .map((name) => name.slice(0, name.lastIndexOf('/') + 1)),
  )
  return folders.has('') ? '' : folders.size === 1 ? [...folders][0] : undefined
}
