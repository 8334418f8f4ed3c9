// What fetching a ROM would cost, before anything of it is fetched: its index says which pieces are at hand already.
import { type ChunkIndex, MAX_INDEX, parseChunkIndex } from './chunk-index.ts'
import type { DownloadOptions } from './download.ts'
import { type FetchDeps, fetchTarget } from './fetch-rom.ts'
import type { PublishedRom } from './format.ts'

/** Bytes. */
export interface FetchNeed {
  readonly total: number
  /** In the unfinished file of an earlier download. */
  readonly there: number
  /** In other ROMs of the cache; copied from there. */
  readonly held: number
  /** Has to come over the network. */
  readonly missing: number
}

/** Fetches the index alone. What it finds at hand is not read: should some of it be damaged, a little more has to come.
 * @throws SlotbenchError those of `fetchTarget`, and `repo-invalid`. */
export async function fetchNeed(
  rom: PublishedRom,
  deps: Pick<FetchDeps, 'http' | 'store' | 'bases'>,
  options: Pick<DownloadOptions, 'signal'>,
): Promise<FetchNeed> {
  const index = parseChunkIndex(await fetchTarget(rom.index, { ...deps, max: MAX_INDEX }, options))
  const proven = await deps.store.proven(rom, index)
  const wanted = new Map<string, { bytes: number; length: number }>()
  let there = 0
  for (let i = 0; i < index.count; i++) {
    const { sha256, length } = index.chunk(i)
    if (proven?.has(i) === true) there += length
    else wanted.set(sha256, { bytes: (wanted.get(sha256)?.bytes ?? 0) + length, length })
  }
  // What is in the file once is copied to its other places.
  let held = forget(wanted, index, (i) => proven?.has(i) === true)
  for await (const seed of deps.store.seeds(rom)) {
    if (wanted.size === 0) break
    held += forget(wanted, seed.index, () => true)
  }
  const left = [...wanted.values()]
  const missing = left.reduce((sum, { length }) => sum + length, 0)
  const repeated = left.reduce((sum, { bytes, length }) => sum + bytes - length, 0)
  return { total: index.size, there, held: held + repeated, missing }
}

/** Takes out of `wanted` what `index` has. @returns its bytes. */
function forget(
  wanted: Map<string, { readonly bytes: number }>,
  index: ChunkIndex,
  has: (i: number) => boolean,
): number {
  let found = 0
  for (let i = 0; i < index.count; i++) {
    const { sha256 } = index.chunk(i)
    const piece = wanted.get(sha256)
    if (piece === undefined || !has(i)) continue
    wanted.delete(sha256)
    found += piece.bytes
  }
  return found
}
