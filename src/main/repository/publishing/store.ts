// The folder of a repository as its owner works on it, handed in by `io/repository`. What is public lies in `public/`.
import type { Bytes, Sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../../core/source.ts'

/** Paths are relative with slashes forward. Every change is whole or not there at all, and on the disk when its promise is kept:
 * whatever kills the program leaves the one or the other.
 * All throw SlotbenchError `host-io` or `host-space`. */
export interface RepositoryStore {
  /** @returns undefined when there is no such file. @throws SlotbenchError `repo-invalid` when it is longer than `max` bytes. */
  read(path: string, max: number): Promise<Uint8Array<ArrayBuffer> | undefined>
  write(path: string, content: Uint8Array): Promise<void>
  /** Copies `source` and hashes it on the way; the path may depend on the digest. */
  copyIn(source: ByteSource, path: (digest: Sha256) => string, signal: AbortSignal): Promise<Sha256>
  /** Replaces what is at `to`. */
  move(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Removes what killed programs left half-written; none of it is in `list`. */
  sweep(): Promise<void>
  /** Files at any depth below `folder`; none when there is no such folder. */
  list(folder: string): Promise<readonly { readonly path: string; readonly size: Bytes }[]>
  /** @throws SlotbenchError `package-not-found` when there is no such file. */
  open(path: string): Promise<ByteSource>
}

/** What any web server may show. */
export const PUBLIC = 'public'
