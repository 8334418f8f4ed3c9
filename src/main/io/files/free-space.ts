import { statfs } from 'node:fs/promises'
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Bytes, bytes } from '../../../shared/units.ts'

/** Bytes that this user may still write to the file system that holds `path`.
 * @throws SlotbenchError `host-io`. */
export async function freeSpace(path: string): Promise<Bytes> {
  try {
    const { bavail, bsize } = await statfs(path, { bigint: true })
    return bytes(bavail * bsize)
  } catch (error) {
    throw new SlotbenchError('host-io', `the free space at ${path} cannot be told`, { cause: error })
  }
}
