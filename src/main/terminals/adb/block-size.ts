// In which blocks a recovery is to ask for a package: larger ones where it reads a long way from front to back.
import { openZip } from '../../core/formats/zip.ts'
import type { ByteSource } from '../../core/source.ts'
import { BLOCK_BYTES } from '../../protocols/adb/sideload.ts'

/** One WRTE, and so one acknowledgement, on every terminal with slots: their adbd takes 256 KiB from Android 7 on (AOSP adb.h). A
 * quarter of the round trips. */
const STREAMED_BLOCK_BYTES = 256 * 1024
/** In shorter packages reading the directory and the texts again outweighs the round trips. */
const LONG_PACKAGE = 16 * 1024 * 1024
const PAYLOAD = 'payload.bin'

/** A payload is read once, in order, by update_engine. Older packages are installed by a script that reads new data and patches by
 * turns; with one block in memory (AOSP fuse_sideload.cpp) that fetches whole blocks for little, so they stay small.
 * @returns bytes. Never throws: what is no package, or cannot be read, is found out by whoever serves it. */
export async function blockBytesFor(file: ByteSource, signal: AbortSignal): Promise<number> {
  if (file.size < LONG_PACKAGE) return BLOCK_BYTES
  const payload = await openZip(file, signal)
    .then((zip) => zip.find(PAYLOAD))
    .catch(() => undefined)
  return payload === undefined ? BLOCK_BYTES : STREAMED_BLOCK_BYTES
}
