// A folder of images. Only what really lies in it counts: a symbolic link that leads out of it is refused.
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PackageFolder } from '../../core/rom/file-set.ts'
import type { ByteSource } from '../../core/source.ts'
import { fileError, openFile } from './open-file.ts'

/** Deeper than any package keeps its files, and more of them. */
const MAX_DEPTH = 12
const MAX_FILES = 65_536

/** The regular files of `path` itself, not of folders inside it; `deep` adds those.
 * @returns undefined when `path` is not a folder.
 * @throws SlotbenchError `package-not-found`, `host-io`, or `package-unsafe` for a link that leads out of the folder. */
export async function openFolder(path: string): Promise<PackageFolder | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return undefined
    const root = await realpath(path)
    const found: Found = { root, files: [], folders: [] }
    await listFolder(found, '')
    return packageFolder(path, found)
  } catch (error) {
    throw error instanceof SlotbenchError ? error : fileError(error, path)
  }
}

interface Found {
  readonly root: string
  readonly files: { readonly name: string; readonly size: number }[]
  /** Paths from the root, each with a `/` at its end. */
  readonly folders: string[]
}

function packageFolder(path: string, found: Found): PackageFolder {
  const files = found.files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return {
    path,
    files,
    open: (name) => openListed(found.root, files, name),
    async deep() {
      const all: Found = { root: found.root, files: [...found.files], folders: [...found.folders] }
      try {
        // `folders` grows while it is walked.
        for (const folder of all.folders) await listFolder(all, folder)
      } catch (error) {
        throw error instanceof SlotbenchError ? error : fileError(error, path)
      }
      return packageFolder(path, { ...all, folders: [] })
    },
  }
}

/** Adds what lies in one folder. A linked folder is passed over, since links may go round in circles. */
async function listFolder(found: Found, prefix: string): Promise<void> {
  const { root, files, folders } = found
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const name = prefix + entry.name
    if (entry.isDirectory() && prefix.split('/').length <= MAX_DEPTH) folders.push(`${name}/`)
    if (!entry.isFile() && !entry.isSymbolicLink()) continue
    const real = await realpath(join(root, name)).catch(() => undefined)
    if (real === undefined || !real.startsWith(root.endsWith(sep) ? root : root + sep))
      throw unsafe(root, name, 'is a link that leads out of the folder')
    const info = await stat(real)
    if (info.isFile()) files.push({ name, size: info.size })
    if (files.length > MAX_FILES) throw unsafe(root, name, `is one of more than ${MAX_FILES} files`)
  }
}

function unsafe(root: string, name: string, detail: string): SlotbenchError {
  return new SlotbenchError('package-unsafe', `${name} ${detail}`, { context: { file: join(root, name) } })
}

async function openListed(root: string, files: PackageFolder['files'], name: string): Promise<ByteSource> {
  if (!files.some((file) => file.name === name))
    throw new SlotbenchError('package-incomplete', `the folder has no file ${name}`)
  return openFile(join(root, name))
}
