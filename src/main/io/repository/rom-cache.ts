// ROMs that were fetched, in a folder that several benches may share:
//
//   roms/<sha256>/<name>   the package        partial/<sha256>.part   a download under way
//   roms/<sha256>/chunks   its index          locks/<sha256>.lock     who downloads
//   roms/<sha256>/entry.json                  roms/<sha256>/use-*.lock  who uses it: it is not removed meanwhile
//   roms/<sha256>/used     its time is that of the last use;  roms/<sha256>/pinned  is never removed by itself
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { release } from '../../core/release.ts'
import type { Workshop } from '../../core/workshop.ts'
import { type ChunkIndex, parseChunkIndex } from '../../repository/chunk-index.ts'
import type { ChunkSet } from '../../repository/chunk-set.ts'
import { type PublishedRom, publishedRomSchema } from '../../repository/format.ts'
import type { Seed } from '../../repository/partial-file.ts'
import type { Begun, CachedRom, RomStore, UnfinishedRom, Waiting } from '../../repository/rom-store.ts'
import { fileError, openFile } from '../files/open-file.ts'
import { moveDurably, writeWhole, writingError } from '../files/write-whole.ts'
import type { DownloadJournal } from './download-journal.ts'
import { isHeld, takeLock, withFileLock } from './file-lock.ts'
import { openPartial, provenIn } from './partial-file.ts'

/** How long another bench may be at the same download; it tells how it goes. */
const WAIT_MS = Number.POSITIVE_INFINITY
const PIECE = 4 * 1024 * 1024
const STALE_MS = 30 * 86_400_000

export interface CacheOptions {
  readonly journal: DownloadJournal
  readonly workshop: Pick<Workshop, 'hasher'>
  /** Bytes of all packages together; see `limit`. */
  readonly limit: number
}

export class RomCache implements RomStore {
  readonly folder: string
  /** Bytes of all packages together; kept when the next one needs room. */
  limit: number
  readonly #options: CacheOptions

  constructor(folder: string, options: CacheOptions) {
    this.folder = resolve(folder)
    this.#options = options
    this.limit = options.limit
  }

  /** Newest use first. */
  async list(): Promise<readonly CachedRom[]> {
    const names = await readdir(join(this.folder, 'roms')).catch(() => [])
    const found = await Promise.all(
      names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => this.find(sha256(name))),
    )
    return found.filter((rom) => rom !== undefined).sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime())
  }

  async find(digest: Sha256): Promise<CachedRom | undefined> {
    const folder = this.#romFolder(digest)
    const text = await readFile(join(folder, 'entry.json'), 'utf8').catch(() => undefined)
    const entry = publishedRomSchema.safeParse(text === undefined ? undefined : parseJson(text))
    if (!entry.success || entry.data.target.sha256 !== digest) return undefined
    const rom: PublishedRom = entry.data
    const path = join(folder, rom.name)
    const [file, used, pinned] = await Promise.all(
      [path, join(folder, 'used'), join(folder, 'pinned')].map((one) => stat(one).catch(() => undefined)),
    )
    if (file?.size !== rom.target.size) return undefined
    return { rom, path, pinned: pinned !== undefined, usedAt: used?.mtime ?? file.mtime }
  }

  /** The ROM that a path in this cache belongs to: `roms/<sha256>/<name>`. */
  async at(path: string): Promise<CachedRom | undefined> {
    const digest = this.digestAt(path)
    return digest && (await this.find(digest))
  }

  /** Whether it is still there or not. */
  digestAt(path: string): Sha256 | undefined {
    const [folder, digest = ''] = relative(this.folder, resolve(path)).split(sep)
    return folder === 'roms' && /^[0-9a-f]{64}$/.test(digest) ? sha256(digest) : undefined
  }

  /** The package, proven to be what was downloaded, and kept from being removed until it is given back.
   * A file that did not change since it was verified is not read again.
   * @throws SlotbenchError `cache-damaged`; fetching it again then repairs it. */
  async use(cached: CachedRom, signal: AbortSignal): Promise<() => Promise<void>> {
    const digest = cached.rom.target.sha256
    const folder = this.#romFolder(digest)
    const release = await takeLock(join(folder, `use-${randomUUID()}.lock`), { waitMs: 0 })
    try {
      await this.#verify(cached, signal)
      await writeFile(join(folder, 'used'), '')
      return release
    } catch (error) {
      await release()
      throw error
    }
  }

  async #verify({ path, rom }: CachedRom, signal: AbortSignal): Promise<void> {
    const { journal } = this.#options
    const stamp = await stampOf(path)
    if (journal.isVerified(path, stamp, rom.target.sha256)) return
    if ((await this.#digest(path, signal)) !== rom.target.sha256) {
      // What is still good of it is not fetched again.
      const partial = this.#partial(rom.target.sha256)
      await moveDurably(path, partial).catch(() => {})
      journal.forget(partial)
      throw new SlotbenchError('cache-damaged', `${path} is not what was downloaded`, {
        context: { file: path },
      })
    }
    journal.remember(path, stamp, rom.target.sha256)
  }

  async #digest(path: string, signal: AbortSignal): Promise<Sha256> {
    const source = await openFile(path)
    const hasher = this.#options.workshop.hasher()
    try {
      for (let at = 0; at < source.size; at += PIECE)
        release(await hasher.update(await source.read(at, Math.min(PIECE, source.size - at), signal)))
      return await hasher.digest()
    } finally {
      hasher.close()
      await source.close()
    }
  }

  async setPinned(digest: Sha256, pinned: boolean): Promise<void> {
    const path = join(this.#romFolder(digest), 'pinned')
    try {
      await (pinned ? writeFile(path, '') : rm(path, { force: true }))
    } catch (error) {
      throw writingError(error, path)
    }
  }

  async begin(rom: PublishedRom, index: ChunkIndex, { signal, onWait }: Waiting): Promise<Begun> {
    const digest = rom.target.sha256
    const lock = join(this.folder, 'locks', `${digest}.lock`)
    const release = await takeLock(lock, { waitMs: WAIT_MS, signal, ...(onWait && { onWait }) })
    try {
      const cached = await this.find(digest)
      if (cached === undefined)
        return { kind: 'open', unfinished: await this.#unfinished(rom, index, { signal, release }) }
      await release()
      return { kind: 'finished', cached }
    } catch (error) {
      await release()
      throw error
    }
  }

  async #unfinished(
    rom: PublishedRom,
    index: ChunkIndex,
    { signal, release }: { readonly signal: AbortSignal; release(): Promise<void> },
  ): Promise<UnfinishedRom> {
    const { journal } = this.#options
    const path = this.#partial(rom.target.sha256)
    const file = await openPartial(path, index, journal, signal)
    let closed: Promise<void> | undefined
    const closeFile = () => {
      closed ??= file.close()
      return closed
    }
    return {
      file,
      recheck: (stop) => file.recheck(stop),
      finish: async (content) => {
        await closeFile()
        return this.#finish(rom, path, content)
      },
      discard: async () => {
        await closeFile()
        journal.forget(path)
        await rm(path, { force: true })
      },
      close: async () => {
        await closeFile()
        await release()
      },
    }
  }

  /** The package comes last: an entry counts when its package is there. */
  async #finish(rom: PublishedRom, partial: string, index: Uint8Array): Promise<CachedRom> {
    const { journal } = this.#options
    const folder = this.#romFolder(rom.target.sha256)
    const path = join(folder, rom.name)
    try {
      await mkdir(folder, { recursive: true })
      await writeWhole(join(folder, 'chunks'), index)
      await writeWhole(join(folder, 'entry.json'), Buffer.from(JSON.stringify(rom)))
      await moveDurably(partial, path)
      await writeFile(join(folder, 'used'), '')
    } catch (error) {
      throw writingError(error, path)
    }
    journal.forget(partial)
    journal.remember(path, await stampOf(path), rom.target.sha256)
    const cached = await this.find(rom.target.sha256)
    if (cached === undefined) throw new SlotbenchError('host-io', `${path} was removed by another program`)
    return cached
  }

  proven(rom: PublishedRom, index: ChunkIndex): Promise<ChunkSet | undefined> {
    return provenIn(this.#partial(rom.target.sha256), index, this.#options.journal)
  }

  /** Throws an unfinished download away.
   * @throws SlotbenchError `repo-busy` while somebody works on it. */
  async dropUnfinished(digest: Sha256): Promise<void> {
    const lock = join(this.folder, 'locks', `${digest}.lock`)
    await withFileLock(lock, { waitMs: 0 }, async () => {
      const path = this.#partial(digest)
      this.#options.journal.forget(path)
      await rm(path, { force: true })
    })
  }

  async *seeds(wanted: PublishedRom): AsyncGenerator<Seed, void, void> {
    const models = new Set(wanted.facts.models)
    const related = (rom: PublishedRom) => (rom.facts.models.some((model) => models.has(model)) ? 0 : 1)
    const others = (await this.list()).filter(({ rom }) => rom.target.sha256 !== wanted.target.sha256)
    for (const { rom, path } of others.toSorted((a, b) => related(a.rom) - related(b.rom))) {
      const seed = await this.#openSeed(rom, path)
      if (seed === undefined) continue
      try {
        yield seed
      } finally {
        await seed.source.close()
      }
    }
  }

  /** The chunk index of a ROM in the cache; undefined where it cannot be read. */
  async index(digest: Sha256): Promise<ChunkIndex | undefined> {
    try {
      return parseChunkIndex(await readFile(join(this.#romFolder(digest), 'chunks')))
    } catch {
      return undefined
    }
  }

  /** One that cannot be read is no help, and no harm. */
  async #openSeed(rom: PublishedRom, path: string): Promise<Seed | undefined> {
    const index = await this.index(rom.target.sha256)
    const source = index && (await openFile(path).catch(() => undefined))
    return index && source && { index, source }
  }

  async makeRoom(needed: number): Promise<void> {
    await this.prune(this.#leaving(needed))
  }

  /** What `makeRoom` would remove now. */
  async wouldRemove(needed: number): Promise<readonly CachedRom[]> {
    const found: CachedRom[] = []
    for await (const cached of this.#surplus(this.#leaving(needed), async () => true)) found.push(cached)
    return found
  }

  #leaving(needed: number): number {
    return Math.max(0, this.limit - needed)
  }

  /** Removes what was not used for longest, until the rest keeps within `limit` bytes. What is pinned or in use stays.
   * @returns what was removed. */
  async prune(limit = this.limit): Promise<readonly CachedRom[]> {
    const removed: CachedRom[] = []
    for await (const cached of this.#surplus(limit, (one) => this.#remove(one))) removed.push(cached)
    await this.#dropStale()
    return removed
  }

  /** What has to go for the rest to keep within `limit` bytes, as far as `take` takes it. */
  async *#surplus(
    limit: number,
    take: (cached: CachedRom) => Promise<boolean>,
  ): AsyncGenerator<CachedRom, void, void> {
    const all = await this.list()
    let size = all.reduce((sum, { rom }) => sum + rom.target.size, 0)
    for (const cached of all.toReversed()) {
      if (size <= limit) break
      if (cached.pinned || (await this.#isUsed(cached)) || !(await take(cached))) continue
      size -= cached.rom.target.size
      yield cached
    }
  }

  /** Removes one, pinned or not.
   * @throws SlotbenchError `repo-busy` while a job or another program uses it. */
  async remove(cached: CachedRom): Promise<void> {
    if ((await this.#isUsed(cached)) || !(await this.#remove(cached)))
      throw new SlotbenchError('repo-busy', `${cached.rom.name} is in use`)
  }

  /** Downloads that nobody went on with. */
  async #dropStale(): Promise<void> {
    for (const name of await readdir(join(this.folder, 'partial')).catch(() => [])) {
      const path = join(this.folder, 'partial', name)
      const file = await stat(path).catch(() => undefined)
      if (file === undefined || Date.now() - file.mtimeMs < STALE_MS) continue
      if (await isHeld(join(this.folder, 'locks', name.replace(/\.part$/, '.lock')))) continue
      this.#options.journal.forget(path)
      await rm(path, { force: true })
    }
  }

  async #isUsed({ rom }: CachedRom): Promise<boolean> {
    const folder = this.#romFolder(rom.target.sha256)
    const locks = (await readdir(folder).catch(() => [])).filter((name) => /^use-.*\.lock$/.test(name))
    for (const lock of locks) {
      if (await isHeld(join(folder, lock))) return true
      await rm(join(folder, lock), { force: true })
    }
    return false
  }

  /** Out of the way at once, so that nobody finds half of it. @returns false where the system holds on to an open file. */
  async #remove({ rom }: CachedRom): Promise<boolean> {
    const trash = join(this.folder, `trash-${randomUUID()}`)
    try {
      await rename(this.#romFolder(rom.target.sha256), trash)
    } catch {
      return false
    }
    await rm(trash, { recursive: true, force: true }).catch(() => {})
    return true
  }

  #romFolder(digest: Sha256): string {
    return join(this.folder, 'roms', digest)
  }

  #partial(digest: Sha256): string {
    return join(this.folder, 'partial', `${digest}.part`)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true })
    return `${size} ${mtimeNs} ${ctimeNs} ${ino}`
  } catch (error) {
    throw fileError(error, path)
  }
}
