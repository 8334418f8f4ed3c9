// The unfinished file of a download on this computer's disk.
import { hash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { ChunkIndex } from '../../repository/chunk-index.ts'
import { ChunkSet } from '../../repository/chunk-set.ts'
import type { PartialFile } from '../../repository/partial-file.ts'
import { freeSpace } from '../files/free-space.ts'
import { fileError } from '../files/open-file.ts'
import { writingError } from '../files/write-whole.ts'
import type { DownloadJournal, FileIdentity } from './download-journal.ts'

export interface OpenPartial extends PartialFile {
  /** Looks at every chunk anew: what the journal knows may be of a disk that forgot. */
  recheck(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Opens or makes the file at `path`, as long as the whole one.
 * @throws SlotbenchError `host-io` or `host-space`. */
export async function openPartial(
  path: string,
  index: ChunkIndex,
  journal: DownloadJournal,
  signal: AbortSignal,
): Promise<OpenPartial> {
  const { handle, existed } = await openOrMake(path)
  try {
    const identity = identityOf(await handle.stat({ bigint: true }))
    const file = new DiskPartial({ path, handle, index, journal, identity })
    const bits = journal.proven(path, file.identity, index.sha256)
    if (bits !== undefined) file.proven = new ChunkSet(index.count, bits)
    else if (existed) await file.recheck(signal)
    // Not before: the journal's word counts for a file that has what it had.
    await handle.truncate(index.size)
    return file
  } catch (error) {
    await handle.close()
    throw writingError(error, path)
  }
}

/** What the journal knows of the file at `path`; undefined where there is none, or nobody's journal knows it. */
export async function provenIn(
  path: string,
  index: ChunkIndex,
  journal: DownloadJournal,
): Promise<ChunkSet | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  const bits = found && journal.proven(path, identityOf(found), index.sha256)
  return bits && new ChunkSet(index.count, bits)
}

function identityOf({ ino, birthtimeNs }: Pick<BigIntStats, 'ino' | 'birthtimeNs'>): FileIdentity {
  return `${ino} ${birthtimeNs}`
}

async function openOrMake(path: string): Promise<{ readonly handle: FileHandle; readonly existed: boolean }> {
  try {
    await mkdir(dirname(path), { recursive: true })
    return { handle: await open(path, 'r+'), existed: true }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw writingError(error, path)
  }
  try {
    // Another bench may make it at the same moment: then it is the same file for both.
    return {
      handle: await open(path, 'a')
        .then((made) => made.close())
        .then(() => open(path, 'r+')),
      existed: false,
    }
  } catch (error) {
    throw writingError(error, path)
  }
}

interface DiskPartialOptions {
  readonly path: string
  readonly handle: FileHandle
  readonly index: ChunkIndex
  readonly journal: DownloadJournal
  readonly identity: string
}

class DiskPartial implements OpenPartial {
  proven: ChunkSet
  readonly identity: string
  readonly #options: DiskPartialOptions

  constructor(options: DiskPartialOptions) {
    this.#options = options
    this.identity = options.identity
    this.proven = new ChunkSet(options.index.count)
  }

  async write(offset: number, content: Uint8Array): Promise<void> {
    const { handle, path } = this.#options
    try {
      for (let done = 0; done < content.length; ) {
        const { bytesWritten } = await handle.write(content, done, content.length - done, offset + done)
        done += bytesWritten
      }
    } catch (error) {
      throw writingError(error, path)
    }
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
    await this.readInto(buffer, offset, signal)
    return buffer
  }

  async readInto(target: Uint8Array<ArrayBuffer>, offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal)
    const { handle, path } = this.#options
    try {
      for (let done = 0; done < target.length; ) {
        const { bytesRead } = await handle.read(target, done, target.length - done, offset + done)
        if (bytesRead === 0) throw new SlotbenchError('source-truncated', `${path} ends at ${offset + done}`)
        done += bytesRead
      }
    } catch (error) {
      throw error instanceof SlotbenchError ? error : fileError(error, path)
    }
  }

  async save(proven: ChunkSet): Promise<void> {
    const { handle, path, journal, index } = this.#options
    try {
      await handle.datasync()
      journal.saveProven(path, this.identity, index.sha256, proven.bits)
    } catch (error) {
      throw writingError(error, path)
    }
    this.proven = proven
  }

  async recheck(signal: AbortSignal): Promise<void> {
    const { index, handle } = this.#options
    const { size } = await handle.stat()
    this.proven = new ChunkSet(index.count)
    for (let i = 0; i < index.count; i++) {
      const { offset, length, sha256 } = index.chunk(i)
      if (offset + length > size) break
      if (hash('sha256', await this.read(offset, length, signal)) === sha256) this.proven.add(i)
    }
  }

  freeBytes() {
    return freeSpace(dirname(this.#options.path))
  }

  close(): Promise<void> {
    return this.#options.handle.close()
  }
}
