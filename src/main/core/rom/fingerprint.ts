import { createHash } from 'node:crypto'

/** SHA-256 over what names and fixes a package, so that resuming can tell the same package from another.
 * @param parts JSON values; their order counts. */
export function fingerprintOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
