// Files that are there whole or not at all, and that a power cut does not take back: written beside their place, flushed, moved.
import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'

/** Replaces what is at `path` and makes the folders it needs.
 * @throws SlotbenchError `host-io` or `host-space`. */
export async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  await writeWholeWith(path, (handle) => handle.writeFile(content))
}

/** As `writeWhole`, with content that `fill` writes into the open file.
 * @throws SlotbenchError `host-io`, `host-space`, or what `fill` throws of ours. */
export async function writeWholeWith<T>(path: string, fill: (handle: FileHandle) => Promise<T>): Promise<T> {
  const partial = `${path}.${randomUUID().slice(0, 8)}.part`
  try {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(partial, 'wx')
    let result: T
    try {
      result = await fill(handle)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await moveDurably(partial, path)
    return result
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {})
    throw writingError(error, path)
  }
}

/** Moves a file, over what is at `to`, so that it stays moved. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** The name of a file lies in its folder: without this a power cut may bring the old one back. Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What a failed change of the file system means. */
export function writingError(error: unknown, path: string): SlotbenchError {
  if (error instanceof SlotbenchError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  const detail = `${path}: ${error instanceof Error ? error.message : error}`
  return new SlotbenchError(full ? 'host-space' : 'host-io', detail, {
    context: { file: path },
    cause: error,
  })
}
