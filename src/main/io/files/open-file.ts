// Files of the host as byte sources: positional reads, so that many readers share one handle.
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import { type Bytes, bytes } from '../../../shared/units.ts'
import type { ByteSource } from '../../core/source.ts'

/** @throws SlotbenchError `package-not-found` when there is no such regular file, `host-io` when it cannot be opened. */
export async function openFile(path: string): Promise<ByteSource> {
  const handle = await openHandle(path)
  try {
    const stat = await handle.stat()
    if (!stat.isFile())
      throw new SlotbenchError('package-not-found', `${path} is not a file`, { context: { file: path } })
    return new FileSource(handle, path, bytes(stat.size))
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openHandle(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw fileError(error, path)
  }
}

/** What an error of the file system means to a reader of packages. */
export function fileError(error: unknown, path: string): SlotbenchError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const missing = code === 'ENOENT' || code === 'ENOTDIR'
  const detail = missing
    ? `there is no ${path}`
    : `${path}: ${error instanceof Error ? error.message : error}`
  return new SlotbenchError(missing ? 'package-not-found' : 'host-io', detail, {
    context: { file: path },
    cause: error,
  })
}

class FileSource implements ByteSource {
  readonly name: string
  readonly size: Bytes
  readonly #handle: FileHandle
  readonly #path: string

  constructor(handle: FileHandle, path: string, size: Bytes) {
    this.#handle = handle
    this.#path = path
    this.name = basename(path)
    this.size = size
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    this.#check(offset, length)
    // Zeros first would cost a pass over memory that is filled to its end or never given out.
    const buffer = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
    await this.readInto(buffer, offset, signal)
    return buffer
  }

  async readInto(target: Uint8Array<ArrayBuffer>, offset: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw abortError(signal)
    this.#check(offset, target.length)
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await this.#readSome(target, done, offset + done)
      if (bytesRead === 0) throw this.#truncated(offset + target.length)
      done += bytesRead
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.size) throw this.#truncated(offset + length)
  }

  async #readSome(buffer: Uint8Array<ArrayBuffer>, at: number, position: number) {
    try {
      return await this.#handle.read(buffer, at, buffer.length - at, position)
    } catch (error) {
      throw fileError(error, this.#path)
    }
  }

  #truncated(end: number): SlotbenchError {
    return new SlotbenchError('source-truncated', `${this.name} ends before byte ${end}`, {
      context: { file: this.#path, offset: this.size },
    })
  }
}
