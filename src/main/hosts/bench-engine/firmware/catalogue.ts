// What the repositories of this bench list, asked anew now and then, and what each attached terminal may have of it.
import type { Change, Notice, RepositoryView } from '../../../../shared/contract.ts'
import { TEXT } from '../../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../../shared/errors.ts'
import type { CompiledDeployments } from '../../../core/eligibility/compile.ts'
import type { KnownRepository } from '../../../io/repository/known-repositories.ts'
import { noticeOf } from '../../bench-view.ts'
import { type Judgement, judgeRoms } from '../../judge-roms.ts'
import { type ListedRepository, type ListedRom, OFFLINE, type RomLibrary } from '../../rom-library.ts'
import type { BayBoard } from '../bay-board.ts'
import { clip } from '../clip.ts'
import type { ReadModel } from '../read-model.ts'
import type { SettingsStore } from '../settings-store.ts'
import { clippedNotice } from '../views.ts'
import type { OfferSource } from './offers.ts'

export interface CatalogueParts {
  readonly firmware: RomLibrary
  readonly model: ReadModel
  readonly board: BayBoard
  readonly settings: SettingsStore
}

/** Milliseconds. */
const ASK_EVERY_MS = 3_600_000
const MOST_SHOWN = 64

/** A repository with what it lists, where that is known. */
interface Shelf {
  readonly repository: KnownRepository
  readonly listed: ListedRepository | undefined
  readonly rules: CompiledDeployments | undefined
  readonly listedAt: Date | undefined
  readonly problem: SlotbenchError | undefined
}

export class Catalogue {
  readonly #parts: CatalogueParts
  readonly #closing = new AbortController()
  readonly #asking: NodeJS.Timeout
  #shelves: readonly Shelf[] = []
  #revision = 0
  #refreshing: Promise<void> | undefined
  /** By bay; good for one state of the lists, one reading and one choice of channels. */
  readonly #judged = new Map<string, { readonly stamp: string; readonly shelves: readonly Judgement[] }>()
  readonly #listeners = new Set<() => void>()

  constructor(parts: CatalogueParts) {
    this.#parts = parts
    this.#asking = setInterval(() => void this.refresh().catch(() => {}), ASK_EVERY_MS)
    this.#asking.unref()
    void this.#begin().catch(() => {})
  }

  /** Called after the repositories were asked. @returns the way to stop. */
  onRefreshed(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    clearInterval(this.#asking)
    this.#closing.abort(new SlotbenchError('cancelled', 'the bench is being closed'))
  }

  /** What was listed last, at once; what is listed now, when the repositories have answered. */
  async #begin(): Promise<void> {
    const { repositories } = this.#parts.firmware
    const known = await repositories.list()
    if (known.length === 0) return
    const kept = await Promise.all(
      known.map(async (repository) => {
        const listing = await repositories.keptListing(repository.name)
        const stands = listing !== undefined && listing.expires > new Date()
        const listed = stands ? { repository, listing, stale: undefined } : undefined
        return this.#shelf(repository, listed, undefined)
      }),
    )
    if (this.#shelves.length === 0) this.#put(kept)
    await this.refresh()
  }

  /** Asks all repositories; those who ask meanwhile wait for the same answer. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
      this.#tell()
    })
    this.#tell()
    return this.#refreshing
  }

  /** Asks all repositories as they are from now on, also when they are being asked already. */
  async refreshAnew(): Promise<void> {
    await this.#refreshing?.catch(() => {})
    await this.refresh()
  }

  async #refresh(): Promise<void> {
    const { firmware } = this.#parts
    const { signal } = this.#closing
    const shelves = await Promise.all(
      (await firmware.repositories.list()).map(async (repository) => {
        try {
          const listed = await firmware.list(repository, signal)
          return await this.#shelf(repository, listed, listed.stale)
        } catch (error) {
          return this.#shelf(repository, undefined, asSlotbenchError(error))
        }
      }),
    )
    if (signal.aborted) return
    this.#put(shelves)
    for (const listener of this.#listeners) listener()
  }

  /** Rules that are not understood offer nothing to anybody. */
  async #shelf(
    repository: KnownRepository,
    listed: ListedRepository | undefined,
    problem: SlotbenchError | undefined,
  ): Promise<Shelf> {
    const { firmware } = this.#parts
    const listedAt = await firmware.repositories.listedAt(repository.name)
    const shelf = { repository, listed, rules: undefined, listedAt, problem }
    if (listed === undefined) return shelf
    try {
      return { ...shelf, rules: await firmware.deployments(listed, this.#closing.signal) }
    } catch (error) {
      return { ...shelf, listed: undefined, problem: problem ?? asSlotbenchError(error) }
    }
  }

  #put(shelves: readonly Shelf[]): void {
    this.#shelves = shelves
    this.changed()
  }

  /** Something about the ROMs is otherwise than before: windows ask again. */
  changed(): void {
    this.#revision += 1
    this.#tell()
  }

  #tell(): void {
    const change: Change = {
      kind: 'firmware',
      firmware: {
        revision: this.#revision,
        refreshing: this.#refreshing !== undefined,
        repositories: this.#shelves.slice(0, MOST_SHOWN).map(repositoryView),
      },
    }
    this.#parts.model.change(change)
  }

  get listed(): readonly ListedRepository[] {
    return this.#shelves.flatMap(({ listed }) => listed ?? [])
  }

  /** Every ROM once, of the first repository that lists it. */
  offers(): readonly OfferSource[] {
    const offers = new Map<string, OfferSource>()
    for (const { repository, listed, rules } of this.#shelves)
      for (const rom of listed?.listing.roms ?? [])
        if (!offers.has(rom.target.sha256))
          offers.set(rom.target.sha256, { rom, repository: repository.name, rules })
    return [...offers.values()]
  }

  /** @throws SlotbenchError `rom-unknown`. */
  find(digest: string): ListedRom {
    for (const { repository, listing } of this.listed) {
      const rom = listing.roms.find(({ target }) => target.sha256 === digest)
      if (rom !== undefined) return { repository, rom }
    }
    throw new SlotbenchError('rom-unknown', `no repository lists ${digest.slice(0, 12)}… any more`)
  }

  /** What each repository offers to the terminal on this bay; undefined while its facts are not known. */
  judge(bay: string): readonly Judgement[] | undefined {
    const { board, settings } = this.#parts
    const reading = board.sighting(bay) === undefined ? undefined : board.reading(bay)
    if (reading === undefined) return undefined
    const { channels } = settings.settings
    const stamp = `${this.#revision} ${reading.at} ${channels.join(' ')}`
    const known = this.#judged.get(bay)
    if (known?.stamp === stamp) return known.shelves
    const shelves = this.#shelves.map(({ listed, rules }) =>
      judgeRoms(listed?.listing.roms ?? [], rules, reading.facts, {
        ...{ channels, limit: Number.POSITIVE_INFINITY },
      }),
    )
    this.#judged.set(bay, { stamp, shelves })
    return shelves
  }
}

/** One that comes on sticks only cannot be asked, and that is no problem. */
function isExpected({ code }: SlotbenchError, { url, mirrors }: KnownRepository): boolean {
  return url === undefined && mirrors.length === 0 && OFFLINE.has(code)
}

function repositoryView(shelf: Shelf): RepositoryView {
  const { repository, listed, listedAt, problem } = shelf
  const { name, url, mirrors } = repository
  const notice = (error: SlotbenchError): Notice => clippedNotice(noticeOf(error))
  return {
    name,
    ...(url !== undefined && { url: clip(url, TEXT.path) }),
    mirrors: mirrors.slice(0, 16).map((mirror) => clip(mirror, TEXT.path)),
    roms: listed?.listing.roms.length ?? 0,
    ...(listedAt && { listedAt: listedAt.toISOString() }),
    ...(listed && { expires: listed.listing.expires.toISOString() }),
    ...(problem && !isExpected(problem, repository) && { problem: notice(problem) }),
    publishers: (listed?.listing.problems ?? []).slice(0, 16).map(({ error }) => notice(error)),
  }
}
