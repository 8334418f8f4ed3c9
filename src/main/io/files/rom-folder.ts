// A folder of the file system in which a ROM is made: unfinished files end in `.part`, whole ones have their names.
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import { type Bytes, bytes } from '../../../shared/units.ts'
import type { RomFolder, WorkFile } from '../../core/rom/rom-folder.ts'
import { freeSpace } from './free-space.ts'

const MAX_TEXT = 1024 * 1024
/** Of `blocks` in what `stat` tells, whatever the file system's own are (POSIX). */
const STAT_BLOCK = 512

/** Makes the folder where it is missing; the folder that it is in must be there.
 * @throws SlotbenchError `host-io`. */
export async function openRomFolder(path: string): Promise<RomFolder> {
  await guarded(path, () => mkdir(path, { recursive: true }))
  return new FileRomFolder(path)
}

class FileRomFolder implements RomFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  freeBytes(): Promise<number> {
    return freeSpace(this.path)
  }

  async workBytes(name: string): Promise<number> {
    const info = await found(() => stat(this.#part(name)))
    // Windows tells no blocks.
    return info === undefined ? 0 : Math.min(info.size, info.blocks > 0 ? info.blocks * STAT_BLOCK : 0)
  }

  async work(name: string, size: number): Promise<WorkFile> {
    const path = this.#part(name)
    return guarded(path, async () => {
      const known = await found(() => stat(path))
      const fresh = known?.size !== size
      if (fresh) await rm(path, { force: true })
      const handle = await open(path, fresh ? 'w+' : 'r+')
      try {
        if (fresh) await handle.truncate(size)
      } catch (error) {
        await handle.close()
        throw error
      }
      return new HandleFile(handle, { path, size: bytes(size), fresh })
    })
  }

  async publish(name: string): Promise<void> {
    const path = join(this.path, name)
    await guarded(path, () => rename(this.#part(name), path))
    await syncFolder(this.path)
  }

  async has(name: string): Promise<boolean> {
    return (await found(() => stat(join(this.path, name))))?.isFile() === true
  }

  async readText(name: string): Promise<string | undefined> {
    const path = join(this.path, name)
    const info = await found(() => stat(path))
    if (info === undefined || !info.isFile() || info.size > MAX_TEXT) return undefined
    return guarded(path, () => readFile(path, 'utf8'))
  }

  async saveText(name: string, text: string): Promise<void> {
    const path = join(this.path, name)
    await guarded(path, async () => {
      const handle = await open(this.#part(name), 'w')
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(this.#part(name), path)
    })
  }

  async discard(name: string): Promise<void> {
    await guarded(this.path, () => rm(this.#part(name), { force: true }))
  }

  #part(name: string): string {
    return join(this.path, `${name}.part`)
  }
}

class HandleFile implements WorkFile {
  readonly name: string
  readonly size: Bytes
  readonly fresh: boolean
  readonly #handle: FileHandle
  readonly #path: string

  constructor(
    handle: FileHandle,
    about: { readonly path: string; readonly size: Bytes; readonly fresh: boolean },
  ) {
    this.#handle = handle
    this.#path = about.path
    this.name = basename(about.path)
    this.size = about.size
    this.fresh = about.fresh
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    if (signal?.aborted) throw abortError(signal)
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw new SlotbenchError('source-truncated', `${this.name} ends before byte ${offset + length}`)
    const buffer = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
    for (let done = 0; done < length; ) {
      const { bytesRead } = await guarded(this.#path, () =>
        this.#handle.read(buffer, done, length - done, offset + done),
      )
      if (bytesRead === 0) throw new SlotbenchError('host-io', `${this.#path} was cut short by somebody else`)
      done += bytesRead
    }
    return buffer
  }

  async write(offset: number, data: Uint8Array, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal)
    if (offset < 0 || offset + data.length > this.size)
      throw new SlotbenchError('internal', `a write at ${offset} leaves ${this.name}`)
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await guarded(this.#path, () =>
        this.#handle.write(data, done, data.length - done, offset + done),
      )
      done += bytesWritten
    }
  }

  async sync(): Promise<void> {
    await guarded(this.#path, () => this.#handle.sync())
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** What the call gives; undefined where there is no such file. */
async function found<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw hostError(error, 'the folder')
  }
}

async function guarded<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw hostError(error, path)
  }
}

function hostError(error: unknown, path: string): SlotbenchError {
  if (error instanceof SlotbenchError) return error
  const full = codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT'
  const detail = `${path}: ${error instanceof Error ? error.message : error}`
  return new SlotbenchError(full ? 'host-space' : 'host-io', detail, {
    context: { file: path },
    cause: error,
  })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** Makes a renaming last; Windows opens no folders, and needs it not. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  if (handle === undefined) return
  await handle.sync().catch(() => {})
  await handle.close()
}
