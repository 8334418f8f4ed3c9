// A repository's folder on this computer, as publishing works on it.
import { createHash, randomUUID } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import { bytes, type Sha256, sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../../core/source.ts'
import type { RepositoryStore } from '../../repository/publishing/store.ts'
import { fileError, openFile } from '../files/open-file.ts'
import { moveDurably, writeWhole, writeWholeWith, writingError } from '../files/write-whole.ts'

const PIECE = 4 * 1024 * 1024
/** Whoever writes for longer than this does not write any more. */
const LEFT_MS = 86_400_000

export class FolderStore implements RepositoryStore {
  readonly root: string

  constructor(root: string) {
    this.root = resolve(root)
  }

  async read(path: string, max: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const source = await openIfThere(this.#at(path))
    if (source === undefined) return undefined
    try {
      if (source.size > max) throw new SlotbenchError('repo-invalid', `${path} is longer than ${max} bytes`)
      return await source.read(0, source.size)
    } finally {
      await source.close()
    }
  }

  write(path: string, content: Uint8Array): Promise<void> {
    return writeWhole(this.#at(path), content)
  }

  async copyIn(source: ByteSource, path: (digest: Sha256) => string, signal: AbortSignal): Promise<Sha256> {
    const waiting = `incoming/${randomUUID()}`
    const digest = await writeWholeWith(this.#at(waiting), async (handle) => {
      const hash = createHash('sha256')
      for (let at = 0; at < source.size; at += PIECE) {
        const piece = await source.read(at, Math.min(PIECE, source.size - at), signal)
        hash.update(piece)
        await handle.writeFile(piece)
      }
      return sha256(hash.digest('hex'))
    })
    await this.move(waiting, path(digest))
    return digest
  }

  async move(from: string, to: string): Promise<void> {
    try {
      await moveDurably(this.#at(from), this.#at(to))
    } catch (error) {
      throw writingError(error, this.#at(to))
    }
  }

  async remove(path: string): Promise<void> {
    try {
      await rm(this.#at(path), { force: true })
    } catch (error) {
      throw writingError(error, this.#at(path))
    }
  }

  async sweep(): Promise<void> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true })
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name)
      const incoming = path.startsWith(join(this.root, 'incoming') + sep)
      if (!incoming && !entry.name.endsWith('.part')) continue
      const { mtimeMs } = await stat(path)
      if (Date.now() - mtimeMs > LEFT_MS) await rm(path, { force: true })
    }
  }

  async list(folder: string) {
    const entries = await readdir(this.#at(folder), { recursive: true, withFileTypes: true }).catch(
      (error) => {
        if (error?.code === 'ENOENT') return []
        throw fileError(error, this.#at(folder))
      },
    )
    const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.part'))
    return Promise.all(
      files.map(async (entry) => {
        const path = join(entry.parentPath, entry.name)
        const { size } = await stat(path)
        return {
          path: path
            .slice(this.root.length + 1)
            .split(sep)
            .join('/'),
          size: bytes(size),
        }
      }),
    )
  }

  open(path: string): Promise<ByteSource> {
    return openFile(this.#at(path))
  }

  #at(path: string): string {
    return join(this.root, ...path.split('/'))
  }
}

async function openIfThere(path: string): Promise<ByteSource | undefined> {
  try {
    return await openFile(path)
  } catch (error) {
    if (error instanceof SlotbenchError && error.code === 'package-not-found') return undefined
    throw error
  }
}
