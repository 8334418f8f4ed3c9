// The folders of this computer, for choosing a package where there is no dialog of the system.
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { FileEntry, Params, Result } from '../../../shared/contract.ts'
import { SlotbenchError } from '../../../shared/errors.ts'

const MOST = 2_000
/** What each may be called; folders may be fastboot sets. */
const WANTED = {
  package: /\.(zip|bin|img|pac|mbn|elf|melf|xml|txt)$/i,
  image: /\.(img|bin|mbn|elf|raw)$/i,
  root: /\.json$/i,
  key: /\.(pem|der|crt|cer|pub|bin|key|avbpubkey)$/i,
  // Folders alone.
  folder: /$^/,
} as const

/** @param folder default: the user's own. @throws SlotbenchError `host-io`. */
export async function listFolder({
  folder,
  kind = 'package',
}: Params<'files.list'>): Promise<Result<'files.list'>> {
  const here = resolve(folder ?? homedir())
  const all = await entriesOf(here)
  const wanted = all
    .filter((entry) => !entry.name.startsWith('.') && (!entry.isFile() || WANTED[kind].test(entry.name)))
    .sort((a, b) => Number(a.isFile()) - Number(b.isFile()) || byName.compare(a.name, b.name))
  const listed = await Promise.all(wanted.slice(0, MOST).map((entry) => describe(here, entry)))
  const parent = dirname(here)
  return {
    folder: here,
    ...(parent !== here && { parent }),
    entries: listed.filter((entry) => entry !== undefined),
    cut: wanted.length > MOST,
  }
}

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    throw new SlotbenchError('host-io', `${folder} cannot be listed`, { cause })
  }
}

/** Undefined for what is neither a file nor a folder, or went meanwhile. */
async function describe(folder: string, { name }: Dirent): Promise<FileEntry | undefined> {
  const path = join(folder, name)
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return { name, path, kind: 'folder', bytes: 0 }
    return stats.isFile() ? { name, path, kind: 'file', bytes: stats.size } : undefined
  } catch {
    return undefined
  }
}
