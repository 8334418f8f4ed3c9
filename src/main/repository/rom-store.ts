// The cache of ROMs as fetching sees it; `io/repository` keeps it on a disk that several benches may share.
import type { Sha256 } from '../../shared/units.ts'
import type { ChunkIndex } from './chunk-index.ts'
import type { ChunkSet } from './chunk-set.ts'
import type { PublishedRom } from './format.ts'
import type { PartialFile, Seed } from './partial-file.ts'

export interface CachedRom {
  readonly rom: PublishedRom
  /** Of the package. */
  readonly path: string
  readonly pinned: boolean
  /** When a job or a person last used it. */
  readonly usedAt: Date
}

export interface Waiting {
  readonly signal: AbortSignal
  /** Another bench, or another program on this one, fetches the same ROM. */
  readonly onWait?: (owner: string) => void
}

export interface RomStore {
  find(sha256: Sha256): Promise<CachedRom | undefined>
  /** Begins or goes on with a download; nobody else works on it until `close`. */
  begin(rom: PublishedRom, index: ChunkIndex, waiting: Waiting): Promise<Begun>
  /** What is proven of an unfinished download; undefined where there is none. Nobody is kept from going on with it. */
  proven(rom: PublishedRom, index: ChunkIndex): Promise<ChunkSet | undefined>
  /** Packages at hand, those of the same terminals first. */
  seeds(wanted: PublishedRom): AsyncIterable<Seed>
  /** Removes what was not used for longest until `bytes` more keep within the limit. */
  makeRoom(bytes: number): Promise<void>
}

export type Begun =
  | { readonly kind: 'open'; readonly unfinished: UnfinishedRom }
  /** Somebody else finished it while it was waited for. */
  | { readonly kind: 'finished'; readonly cached: CachedRom }

export interface UnfinishedRom {
  readonly file: PartialFile
  /** Looks at every chunk in the file anew. */
  recheck(signal: AbortSignal): Promise<void>
  /** Makes the file a ROM of the cache.
   * @param index the bytes of its index. */
  finish(index: Uint8Array): Promise<CachedRom>
  /** Throws it away: it can never become what it should. */
  discard(): Promise<void>
  close(): Promise<void>
}
