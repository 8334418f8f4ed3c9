// What identifies a package that is a set of files.
import type { FileSet } from './file-set.ts'
import { fingerprintOf } from './fingerprint.ts'

/** Where a container gives a CRC-32 per file, that; in a folder, the ends of each file stand for its content. */
const FINGERPRINT_END = 4096

/** Identifies a set of files, without reading all of it. */
export async function setFingerprint(files: FileSet, signal: AbortSignal): Promise<string> {
  const parts: unknown[] = []
  for (const { name, size, crc32, open } of files.values()) {
    if (crc32 !== undefined) {
      parts.push([name, size, crc32])
      continue
    }
    const source = await open(signal)
    try {
      const length = Math.min(FINGERPRINT_END, source.size)
      const ends = [
        await source.read(0, length, signal),
        await source.read(source.size - length, length, signal),
      ]
      parts.push([name, size, fingerprintOf(ends.map((end) => Buffer.from(end.buffer).toString('base64')))])
    } finally {
      await source.close()
    }
  }
  return fingerprintOf(parts)
}
