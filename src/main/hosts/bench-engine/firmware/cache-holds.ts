// Keeps ROMs of the cache that jobs and the session use from being removed by whoever needs room, this bench or another one.
import type { BenchState } from '../../../../shared/contract.ts'
import type { Sha256 } from '../../../../shared/units.ts'
import type { RomCache } from '../../../io/repository/rom-cache.ts'
import type { ReadModel } from '../read-model.ts'

type Release = () => Promise<void>

export class CacheHolds {
  readonly #cache: RomCache
  readonly #held = new Map<Sha256, Promise<Release | undefined>>()
  readonly #closing = new AbortController()
  readonly #stop: () => void

  constructor(cache: RomCache, model: ReadModel) {
    this.#cache = cache
    this.#stop = model.follow(() => this.#look(model.state))
    this.#look(model.state)
  }

  async close(): Promise<void> {
    this.#stop()
    this.#closing.abort()
    await Promise.all([...this.#held.keys()].map((digest) => this.#release(digest)))
  }

  #look(state: BenchState): void {
    const wanted = new Set(usedPaths(state).flatMap((path) => this.#cache.digestAt(path) ?? []))
    for (const digest of wanted) if (!this.#held.has(digest)) this.#held.set(digest, this.#take(digest))
    for (const digest of this.#held.keys()) if (!wanted.has(digest)) void this.#release(digest)
  }

  /** A ROM that is no longer what was downloaded is told by the job that reads it. */
  async #take(digest: Sha256): Promise<Release | undefined> {
    try {
      const cached = await this.#cache.find(digest)
      return cached && (await this.#cache.use(cached, this.#closing.signal))
    } catch {
      return undefined
    }
  }

  async #release(digest: Sha256): Promise<void> {
    const held = this.#held.get(digest)
    this.#held.delete(digest)
    await (await held)?.()
  }
}

/** Of jobs that run or may be gone on with, and of the session. */
function usedPaths({ jobs, session, roms }: BenchState): readonly string[] {
  const open = jobs.filter(
    ({ state, acknowledged }) => state === 'running' || (state !== 'done' && !acknowledged),
  )
  const chosen = session.active ? roms.filter(({ id }) => id === session.rom) : []
  return [...open.map(({ rom }) => rom.path), ...chosen.map(({ path }) => path)]
}
