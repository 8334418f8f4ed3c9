// Any package becomes one ROM: what it is, is told by its content, never by its name.
import { SlotbenchError } from '../../../shared/errors.ts'
import { isPayload } from '../formats/payload.ts'
import { isZip, openZip, type ZipArchive } from '../formats/zip.ts'
import type { ByteSource } from '../source.ts'
import { readOtaClaim } from '../trust/claims.ts'
import type { Workshop } from '../workshop.ts'
import { openFastbootRom } from './fastboot-rom.ts'
import { type FileSet, folderFiles, type PackageFolder, readText, zipFiles } from './file-set.ts'
import { openPayloadRom, payloadTexts } from './payload-rom.ts'
import type { Rom } from './types.ts'

export interface OpenRomDeps {
  /** @throws SlotbenchError `package-not-found` or `host-io`. */
  openFile(path: string): Promise<ByteSource>
  /** @returns undefined when `path` is not a folder. */
  openFolder(path: string): Promise<PackageFolder | undefined>
  readonly workshop: Workshop
}

/** Opens the package at `path`; the images are read later, as they are needed.
 * @throws SlotbenchError `package-unknown`, `package-incomplete` and the errors of the formats. */
export async function openRom(path: string, deps: OpenRomDeps, signal: AbortSignal): Promise<Rom> {
  const folder = await deps.openFolder(path)
  if (folder !== undefined) return openFolderRom(folder, deps.workshop, signal)
  const source = await deps.openFile(path)
  try {
    return await openFileRom({ path, source }, deps.workshop, signal)
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

async function openFileRom(file: OpenedFile, workshop: Workshop, signal: AbortSignal): Promise<Rom> {
  const { path, source } = file
  const magic = await source.read(0, Math.min(MAGIC_SIZE, source.size), signal)
  if (isPayload(magic)) {
    const alone = { metadata: undefined, properties: undefined, notes: [] }
    const packed = { kind: 'payload', path, packageSize: source.size, payload: source, ...alone } as const
    return openPayloadRom({ ...packed, close: () => source.close() }, workshop, signal)
  }
  if (isZip(magic)) return openZipRom(file, await openZip(source, signal), { workshop, signal })
  throw new SlotbenchError('package-unknown', `${source.name} is neither a zip nor a payload.bin`)
}

interface Tools {
  readonly workshop: Workshop
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
  const nested = names.filter((name) => /^(?:[^/]+\/)?image-[^/]+\.zip$/.test(name))
  if (nested.length === 1) return openFactoryRom(file, { zip, inner: nested[0] ?? '' }, tools)
  const prefix = imageFolder(names)
  if (prefix === undefined)
    throw new SlotbenchError('package-unknown', `${file.source.name} holds neither a payload.bin nor images`)
  return openSetRom('fastboot-zip', file, zipFiles(zip, prefix), tools)
}

async function openOtaRom(file: OpenedFile, zip: ZipArchive, { workshop, signal }: Tools): Promise<Rom> {
  const { path, source } = file
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
  const packed = { ...what, ...texts, notes, close }
  return openPayloadRom(packed, workshop, signal)
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

async function openFolderRom(folder: PackageFolder, workshop: Workshop, signal: AbortSignal): Promise<Rom> {
  const { path } = folder
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

/** The folder inside a zip that the images lie in: the root, or the only folder that has any. */
function imageFolder(names: readonly string[]): string | undefined {
  const folders = new Set(
    names
      .filter((name) => /\.img$|(^|\/)android-info\.txt$/.test(name))
      .map((name) => name.slice(0, name.lastIndexOf('/') + 1)),
  )
  return folders.has('') ? '' : folders.size === 1 ? [...folders][0] : undefined
}
