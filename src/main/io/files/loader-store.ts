// The programmers (loaders) that technicians have used, kept by their digest, so that a job can be resumed without asking for the file again.
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ByteSource } from '../../core/source.ts'
import { fileError, openFile } from './open-file.ts'

/** Programmers have about a megabyte. */
const MAX_LOADER = 64 * 1024 * 1024
const NAME = /^[0-9a-f]{64}\.loader$/

export class LoaderStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Whether any is kept. At once, because who asks cannot wait. */
  get any(): boolean {
    try {
      return readdirSync(this.#folder).some((name) => NAME.test(name))
    } catch {
      return false
    }
  }

  /** Keeps a copy; one that is kept already becomes the latest.
   * @throws SlotbenchError `loader-invalid` for what is too large to be one, `host-io`. */
  async keep(source: ByteSource): Promise<void> {
    if (source.size > MAX_LOADER)
      throw new SlotbenchError('loader-invalid', `${source.name} has ${source.size} bytes`)
    const content = await source.read(0, source.size)
    const path = join(this.#folder, `${createHash('sha256').update(content).digest('hex')}.loader`)
    try {
      const now = new Date()
      if (await isThere(path)) return await utimes(path, now, now)
      await mkdir(this.#folder, { recursive: true })
      await writeWhole(path, content)
    } catch (error) {
      throw fileError(error, path)
    }
  }

  /** All that are kept, the latest first; to be closed by the caller. */
  async open(): Promise<readonly ByteSource[]> {
    const names = (await readdir(this.#folder).catch(() => [])).filter((name) => NAME.test(name))
    const paths = names.map((name) => join(this.#folder, name))
    const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })))
    const latest = dated.toSorted((a, b) => b.at - a.at)
    return Promise.all(latest.map(({ path }) => openFile(path)))
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  const unfinished = `${path}.${process.pid}.part`
  try {
    const handle = await open(unfinished, 'w')
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}
