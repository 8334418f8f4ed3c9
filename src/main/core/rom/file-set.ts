// A set of image files, however they are kept: a folder, the members of a zip.
import type { ZipArchive } from '../formats/zip.ts'
import type { ByteSource } from '../source.ts'

/** A folder of images, as `io/files` shows it. */
export interface PackageFolder {
  readonly path: string
  /** Regular files that lie in the folder itself, sorted by name. */
  readonly files: readonly { readonly name: string; readonly size: number }[]
  /** @throws SlotbenchError `package-incomplete` when `name` is not one of `files`. */
  open(name: string): Promise<ByteSource>
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

/** The content of a small file; undefined when the set has none of that name or it is no text of sensible size. */
export async function readText(
  files: FileSet,
  name: string,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = files.get(name)
  if (file === undefined || file.size > MAX_TEXT) return undefined
  const source = await file.open(signal)
  try {
    return await source.read(0, source.size, signal)
  } finally {
    await source.close()
  }
}
