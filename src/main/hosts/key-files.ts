// Files by which a technician makes the bench trust somebody: a publisher's key, and the root of a repository.
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import { SlotbenchError } from '../../shared/errors.ts'
import { plainText } from '../../shared/plain-text.ts'
import type { TrustAnchor } from '../../shared/trust.ts'
import { parseAnchor } from '../core/trust/anchors.ts'
import { fileError } from '../io/files/open-file.ts'

const MAX_ROOT = 512_000

/** The `root.json` of a repository; what is longer than any is cut off, and then holds no more. */
export async function readRoot(path: string): Promise<Buffer> {
  return (await contentOf(path)).subarray(0, MAX_ROOT)
}

/** The key in a file, as it will be trusted.
 * @param name default: what its certificate says, or the file's own.
 * @throws SlotbenchError `anchor-invalid`, `package-not-found`, `host-io`. */
export async function anchorIn(path: string, name: string | undefined): Promise<TrustAnchor> {
  const { kind, data, fingerprint, subject } = parseAnchor(await contentOf(path))
  return {
    ...{ kind, fingerprint, data: Buffer.from(data).toString('base64') },
    name: nameFrom(name ?? subject ?? basename(path)),
    addedAt: new Date().toISOString(),
    addedBy: whoIsThis(),
  }
}

async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw fileError(error, path)
  }
}

function nameFrom(text: string): string {
  const name = plainText(text).trim().slice(0, 100)
  if (name === '') throw new SlotbenchError('anchor-invalid', 'the key needs a name')
  return name
}

/** Containers run without a user of a name. */
function whoIsThis(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
