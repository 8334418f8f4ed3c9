// Fastboot image sets: as a folder, as a zip, and as the zip in a zip in which makers publish factory images.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ZipMember, zipBytes } from '../../main/core/formats/zip-writer.ts'
import { imageBytes } from './image-chunks.ts'
import type { NamedImage } from './payload-writer.ts'
import { type SparseOptions, sparseFileBytes } from './sparse-file.ts'
import { writeFileWhole } from './write-file.ts'

export interface FastbootSet {
  readonly images: Iterable<NamedImage>
  /** Names of the terminals it is for. */
  readonly products: readonly string[]
  readonly build: string
  /** Further lines of android-info.txt, e.g. `require version-bootloader=1|2`. */
  readonly requirements?: readonly string[]
  /** Partitions that a wipe erases. */
  readonly userData?: readonly string[]
  /** Images as they are, or as Android sparse files; a function decides for each. */
  readonly format?: ImageFormat | ((name: string) => ImageFormat)
  readonly sparseZeros?: SparseOptions['zeros']
  /** For terminals with logical partitions: the content of `super_empty.img`, and which images are for logical ones. */
  readonly logical?: { readonly superEmpty: Uint8Array<ArrayBuffer>; readonly names: ReadonlySet<string> }
  readonly signal: AbortSignal
}

export type ImageFormat = 'raw' | 'sparse'

/** The files of a set, deflated when they are put into a zip. */
export function setMembers(set: FastbootSet): ZipMember[] {
  const images = [...set.images]
  return [
    textMember('android-info.txt', androidInfo(set)),
    textMember(
      'fastboot-info.txt',
      fastbootInfo(
        set,
        images.map((one) => one.name),
      ),
    ),
    ...(set.logical ? [{ name: 'super_empty.img', content: set.logical.superEmpty, compress: true }] : []),
    ...images.map((image) => ({
      name: `${image.name}.img`,
      content: () => imageFile(image, set),
      compress: true,
    })),
  ]
}

export function setZipBytes(set: FastbootSet): AsyncGenerator<Uint8Array> {
  return zipBytes(setMembers(set))
}

export async function writeSetFolder(folder: string, set: FastbootSet): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { name, content } of setMembers(set))
    await writeFileWhole(
      join(folder, name),
      content instanceof Uint8Array ? [content] : content(),
      set.signal,
    )
}

export interface FactoryOptions {
  /** Content of a bootloader package, which `flash-all.sh` writes first. */
  readonly bootloader?: Uint8Array
  /** Makers store the inner zip; repacked ones deflate it once more. */
  readonly deflateInner?: boolean
}

/** A folder in a zip, with `flash-all.sh` and the zip of the images (as Google's factory images are laid out). */
export function factoryZipBytes(set: FastbootSet, options: FactoryOptions = {}): AsyncGenerator<Uint8Array> {
  const product = fileName(set.products[0] ?? 'product').toLowerCase()
  const build = fileName(set.build).toLowerCase()
  const folder = `${product}-${build}`
  const inner = `image-${product}-${build}.zip`
  const bootloader = options.bootloader && { name: `bootloader-${product}.img`, content: options.bootloader }
  return zipBytes([
    { ...textMember(`${folder}/flash-all.sh`, flashAll(inner, bootloader?.name)), mode: 0o100755 },
    ...(bootloader === undefined
      ? []
      : [{ ...bootloader, name: `${folder}/${bootloader.name}`, compress: true }]),
    {
      name: `${folder}/${inner}`,
      content: () => setZipBytes(set),
      compress: options.deflateInner ?? false,
    },
  ])
}

function imageFile({ name, image }: NamedImage, set: FastbootSet): AsyncIterable<Uint8Array> {
  const format = typeof set.format === 'function' ? set.format(name) : (set.format ?? 'raw')
  if (format === 'raw') return imageBytes(image, set.signal)
  return sparseFileBytes(image, { zeros: set.sparseZeros ?? 'fill', signal: set.signal })
}

function textMember(name: string, text: string): ZipMember {
  return { name, content: Buffer.from(text), compress: true }
}

function androidInfo({ products, requirements = [] }: FastbootSet): string {
  return [`require product=${products.join('|')}`, ...requirements, ''].join('\n')
}

/** The tasks of `fastboot flashall` (AOSP fastboot README, fastboot-info.txt). */
function fastbootInfo({ userData = [], logical }: FastbootSet, names: readonly string[]): string {
  const line = (name: string) => `flash ${name === 'vbmeta' ? '--apply-vbmeta ' : ''}${name}`
  // Logical partitions are flashed by fastbootd, behind the tables they lie in.
  const flash = logical
    ? [
        ...names.filter((name) => !logical.names.has(name)).map(line),
        ...['reboot fastboot', 'update-super'],
        ...names.filter((name) => logical.names.has(name)).map(line),
      ]
    : names.map(line)
  const wipe = userData.map((name) => `if-wipe erase ${name}`)
  return ['# made by the simulator', 'version 1', ...flash, ...wipe, ''].join('\n')
}

function flashAll(imageZip: string, bootloader: string | undefined): string {
  const first = bootloader === undefined ? [] : [`fastboot flash bootloader ${bootloader}`]
  return ['#!/bin/sh', ...first, 'fastboot reboot-bootloader', `fastboot -w update ${imageZip}`, ''].join(
    '\n',
  )
}

function fileName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, '-')
}
