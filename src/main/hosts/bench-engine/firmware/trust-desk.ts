// Whom this bench believes: the keys of publishers, and the roots of repositories. Nothing else of a window changes that.
import type { Params, Result } from '../../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../../shared/errors.ts'
import type { Bench } from '../../bench.ts'
import { anchorIn, readRoot } from '../../key-files.ts'
import { OFFLINE, type RomLibrary, repositoryAddress } from '../../rom-library.ts'
import { clipAll } from '../clip.ts'
import type { ReadModel } from '../read-model.ts'
import type { RomLibrary as PackageList } from '../rom-library.ts'
import type { Catalogue } from './catalogue.ts'
import { withinAMinute } from './within.ts'

export interface TrustDeskParts {
  readonly bench: Bench
  readonly model: ReadModel
  readonly firmware: RomLibrary
  readonly catalogue: Catalogue
  readonly packages: PackageList
}

/** An AVB key of 8192 bits has some 2 kB, a certificate not much more. */
const MOST_DATA = 128 * 1024

export class TrustDesk {
  readonly #parts: TrustDeskParts

  constructor(parts: TrustDeskParts) {
    this.#parts = parts
  }

  list(): Result<'trust.list'> {
    return { anchors: clipAll(this.#parts.bench.anchors.list(), MOST_DATA, 1_000).slice() }
  }

  async addKey({ path, name }: Params<'trust.add-key'>): Promise<Result<'trust.add-key'>> {
    const anchor = await anchorIn(path, name || undefined)
    this.#parts.bench.anchors.add(anchor)
    this.#judgeAnew()
    return { anchor: clipAll(anchor, MOST_DATA) }
  }

  removeKey(name: string): void {
    this.#parts.bench.anchors.remove(name)
    this.#judgeAnew()
  }

  /** One that is out of reach for now stays, and says so in the list of repositories.
   * @throws SlotbenchError `usage` for a name that is taken, and what does not hold of it. */
  async addRepository(wanted: Params<'trust.add-repository'>): Promise<void> {
    const { firmware, catalogue } = this.#parts
    const { name, url, mirrors, root } = wanted
    const taken = await firmware.repositories.get(name).catch(() => undefined)
    if (taken !== undefined)
      throw new SlotbenchError('usage', `there is a repository ${name} already; remove it first`)
    const repository = {
      ...{ name, mirrors: mirrors.map(repositoryAddress) },
      ...(url !== undefined && { url: repositoryAddress(url) }),
    }
    try {
      const content = await readRoot(root)
      await withinAMinute((signal) => firmware.trust(repository, content, signal))
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (!OFFLINE.has(error.code)) throw error
    }
    await catalogue.refreshAnew()
  }

  /** What was fetched from it stays in the cache. */
  async removeRepository(name: string): Promise<void> {
    await this.#parts.firmware.repositories.remove(name)
    await this.#parts.catalogue.refreshAnew()
  }

  /** What the packages are signed with has not changed, and is not read again. */
  #judgeAnew(): void {
    const { packages, model } = this.#parts
    for (const { id, state } of model.state.roms)
      if (state === 'verified') packages.verify(id).catch(() => {})
  }
}
