// The cache as windows use it: what is in it, what a download would need, pinning, removing, and choosing a ROM of it.
import type { Params, Result } from '../../../../shared/contract.ts'
import { TEXT } from '../../../../shared/contract.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { type Sha256, sha256 } from '../../../../shared/units.ts'
import { freeSpace } from '../../../io/files/free-space.ts'
import type { CachedRom } from '../../../repository/rom-store.ts'
import { sharedBytes } from '../../../repository/shared-chunks.ts'
import type { RomLibrary } from '../../rom-library.ts'
import { clip } from '../clip.ts'
import type { RomLibrary as PackageList } from '../rom-library.ts'
import type { Catalogue } from './catalogue.ts'
import type { FirmwareSearch } from './search.ts'
import { withinAMinute } from './within.ts'

export interface CacheDeskParts {
  readonly data: string
  readonly firmware: RomLibrary
  readonly catalogue: Catalogue
  readonly search: FirmwareSearch
  readonly packages: PackageList
}

const MOST = 1_000

export class CacheDesk {
  readonly #parts: CacheDeskParts
  #shares: { readonly key: string; readonly bytes: readonly number[] } = { key: '', bytes: [] }

  constructor(parts: CacheDeskParts) {
    this.#parts = parts
  }

  async list(): Promise<Result<'cache.list'>> {
    const { cache } = this.#parts.firmware
    const all = (await cache.list()).slice(0, MOST)
    const shares = await this.#sharesOf(all)
    const roms = await Promise.all(
      all.map(async (cached, i) => ({
        ...{ offer: await this.#parts.search.offer(cached), path: clip(cached.path, TEXT.path) },
        shared: shares[i] ?? 0,
      })),
    )
    const { folder, limit } = cache
    return { cache: { folder: clip(folder, TEXT.path), limit, free: await this.#free(), roms } }
  }

  /** Counted once for each set of ROMs: their indexes never change. */
  async #sharesOf(all: readonly CachedRom[]): Promise<readonly number[]> {
    const key = all.map(({ rom }) => rom.target.sha256).join()
    if (this.#shares.key !== key) {
      const { cache } = this.#parts.firmware
      const indexes = await Promise.all(all.map(({ rom }) => cache.index(rom.target.sha256)))
      this.#shares = { key, bytes: sharedBytes(indexes) }
    }
    return this.#shares.bytes
  }

  /** @throws SlotbenchError `rom-unknown`, and what fetching the index throws. */
  async need(id: string): Promise<Result<'firmware.need'>> {
    const { firmware, catalogue } = this.#parts
    const found = catalogue.find(id)
    const need = await withinAMinute((signal) => firmware.need(found, { signal }))
    const removed = await firmware.cache.wouldRemove(found.rom.target.size)
    return {
      need: {
        ...need,
        free: await this.#free(),
        removed: removed.slice(0, 256).map(({ rom }) => ({ name: clip(rom.name), size: rom.target.size })),
      },
    }
  }

  /** Where the cache will be, before it is. */
  #free(): Promise<number> {
    const { firmware, data } = this.#parts
    return freeSpace(firmware.cache.folder).catch(() => freeSpace(data))
  }

  async pin({ rom, pinned }: Params<'cache.pin'>): Promise<void> {
    const { firmware, catalogue } = this.#parts
    const { target } = (await this.#cached(sha256(rom))).rom
    await firmware.cache.setPinned(target.sha256, pinned)
    catalogue.changed()
  }

  /** @throws SlotbenchError `repo-busy` while a job uses it. */
  async remove(id: string): Promise<void> {
    const { firmware, packages, catalogue } = this.#parts
    const cached = await this.#cached(sha256(id))
    await firmware.cache.remove(cached)
    const listed = packages.idOf(cached.path)
    if (listed !== undefined) packages.remove(listed)
    catalogue.changed()
  }

  async use(id: string): Promise<Result<'cache.use'>> {
    const { packages, catalogue } = this.#parts
    const rom = await packages.add((await this.#cached(sha256(id))).path)
    // How it ends is told at the package.
    packages.verify(rom).catch(() => {})
    catalogue.changed()
    return { rom }
  }

  async #cached(digest: Sha256): Promise<CachedRom> {
    const cached = await this.#parts.firmware.cache.find(digest)
    if (cached === undefined)
      throw new SlotbenchError('rom-unknown', `the cache has no ${digest.slice(0, 12)}…`)
    return cached
  }
}
