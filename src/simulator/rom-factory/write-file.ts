// Files that are there whole or not at all: written beside their place and moved there at the end.
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { abortError, asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'

/** Replaces what is at `path`.
 * @throws SlotbenchError `host-io` or `host-space` when it cannot be written; errors of the content pass through. */
export async function writeFileWhole(
  path: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${path}.part`
  try {
    await pipeline(Readable.from(content, { objectMode: false }), createWriteStream(partial), { signal })
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw writeError(error, path, signal)
  }
}

/** What went wrong while `path` was being written, as one of our errors. */
export function writeError(error: unknown, path: string, signal: AbortSignal): SlotbenchError {
  if (error instanceof SlotbenchError) return error
  if (signal.aborted) return abortError(signal)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const ofSystem = error instanceof Error && 'syscall' in error
  return asSlotbenchError(error, code === 'ENOSPC' ? 'host-space' : ofSystem ? 'host-io' : 'internal').at({
    file: path,
  })
}
