// A set of image files, however they are kept: a folder, the members of a zip.
import { crc32 } from 'node:zlib'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ZipArchive } from '../formats/zip.ts'
import type { ByteSource } from '../source.ts'

/** A folder of images, as `io/files` shows it. */
export interface PackageFolder {
  readonly path: string
  /** Regular files that lie in the folder itself, sorted by name. */
  readonly files: readonly { readonly name: string; readonly size: number }[]
  /** @throws SlotbenchError `package-incomplete` when `name` is not one of `files`. */
  open(name: string): Promise<ByteSource>
  /** The same folder with the files of the folders inside it, named by their paths (with `/`).
   * @throws SlotbenchError `package-unsafe` for a link that leads out, or for more files than any package has. */
  deep(): Promise<PackageFolder>
}

export interface SetFile {
  readonly name: string
  readonly size: number
  /** What the container says of its content. */
  readonly crc32: number | undefined
  open(signal?: AbortSignal): Promise<ByteSource>
}

export type FileSet = ReadonlyMap<string, SetFile>

export function folderFiles(folder: PackageFolder): FileSet {
  return new Map(
    folder.files.map(({ name, size }) => [
      name,
      { name, size, crc32: undefined, open: () => folder.open(name) },
    ]),
  )
}

/** All members of a zip, by their whole names. */
export function allZipFiles(zip: ZipArchive): FileSet {
  return new Map(
    zip.members
      .filter(({ name }) => !name.endsWith('/'))
      .map((member) => {
        const { name, size, crc32 } = member
        return [name, { name, size, crc32, open: (signal?: AbortSignal) => zip.open(member, signal) }]
      }),
  )
}

/** The members of a zip that lie directly in `prefix` (empty, or a path that ends with `/`), by their base names. */
export function zipFiles(zip: ZipArchive, prefix: string): FileSet {
  const inside = zip.members.filter(
    ({ name }) =>
      name.startsWith(prefix) && name.length > prefix.length && !name.includes('/', prefix.length),
  )
  return new Map(
    inside.map((member) => {
      const name = member.name.slice(prefix.length)
      const { size, crc32 } = member
      return [name, { name, size, crc32, open: (signal?: AbortSignal) => zip.open(member, signal) }]
    }),
  )
}

/** Text files of packages are read whole. */
const MAX_TEXT = 1024 * 1024

/** The content of a small file; undefined when the set has none of that name or it is no text of sensible size.
 * @throws SlotbenchError `digest-mismatch` when it is not what its container promises. */
export async function readText(
  files: FileSet,
  name: string,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = files.get(name)
  return file === undefined || file.size > MAX_TEXT ? undefined : readWhole(file, signal)
}

/** All of a file that is known to be small, compared with what its container says of it: such files are used before the package is
 * verified.
 * @throws SlotbenchError `digest-mismatch`. */
export async function readWhole(file: SetFile, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const source = await file.open(signal)
  try {
    const content = await source.read(0, source.size, signal)
    if (file.crc32 !== undefined && crc32(content) !== file.crc32)
      throw new SlotbenchError('digest-mismatch', `${file.name} has another CRC-32 than the package promises`)
    return content
  } finally {
    await source.close()
  }
}
