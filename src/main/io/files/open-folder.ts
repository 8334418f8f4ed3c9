// A folder of images. Only what really lies in it counts: a symbolic link that leads out of it is refused.
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PackageFolder } from '../../core/rom/file-set.ts'
import type { ByteSource } from '../../core/source.ts'
import { fileError, openFile } from './open-file.ts'

/** The regular files of `path` itself, not of folders inside it.
 * @returns undefined when `path` is not a folder.
 * @throws SlotbenchError `package-not-found`, `host-io`, or `package-unsafe` for a link that leads out of the folder. */
export async function openFolder(path: string): Promise<PackageFolder | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return undefined
    const root = await realpath(path)
    const files = await listFiles(root)
    return { path, files, open: (name) => openListed(root, files, name) }
  } catch (error) {
    throw error instanceof SlotbenchError ? error : fileError(error, path)
  }
}

async function listFiles(root: string): Promise<PackageFolder['files']> {
  const files: { name: string; size: number }[] = []
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue
    const real = await realpath(join(root, entry.name)).catch(() => undefined)
    if (real === undefined || !real.startsWith(root.endsWith(sep) ? root : root + sep))
      throw new SlotbenchError('package-unsafe', `${entry.name} is a link that leads out of the folder`, {
        context: { file: join(root, entry.name) },
      })
    const info = await stat(real)
    if (info.isFile()) files.push({ name: entry.name, size: info.size })
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function openListed(root: string, files: PackageFolder['files'], name: string): Promise<ByteSource> {
  if (!files.some((file) => file.name === name))
    throw new SlotbenchError('package-incomplete', `the folder has no file ${name}`)
  return openFile(join(root, name))
}
