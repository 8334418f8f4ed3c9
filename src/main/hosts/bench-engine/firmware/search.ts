// Questions of windows about ROMs: what there is, what an attached terminal may have, what is best for it.
import type { BestView, OfferView, Params, Result } from '../../../../shared/contract.ts'
import { TEXT } from '../../../../shared/contract.ts'
import type { Verdict } from '../../../../shared/eligibility.ts'
import type { CachedRom } from '../../../repository/rom-store.ts'
import type { JudgedRom } from '../../judge-roms.ts'
import type { RomLibrary } from '../../rom-library.ts'
import type { BayBoard } from '../bay-board.ts'
import { clip } from '../clip.ts'
import type { RomLibrary as PackageList } from '../rom-library.ts'
import type { Catalogue } from './catalogue.ts'
import { bayVerdict, matches, type OfferSource, offerView } from './offers.ts'

export interface SearchParts {
  readonly firmware: RomLibrary
  readonly catalogue: Catalogue
  readonly board: BayBoard
  readonly packages: PackageList
}

type Judged = ReadonlyMap<string, JudgedRom>
const ORDER: Readonly<Record<Verdict, number>> = { eligible: 0, undecided: 1, refused: 2 }

export class FirmwareSearch {
  readonly #parts: SearchParts

  constructor(parts: SearchParts) {
    this.#parts = parts
  }

  async search(query: Params<'firmware.search'>): Promise<Result<'firmware.search'>> {
    const { text = '', only, bay, limit, offset } = query
    const cached = await this.#cached()
    const judged = this.#judged(bay === undefined ? this.#bays() : [bay])
    const fits = (id: string) => [...judged.values()].some((roms) => isFor(roms.get(id)))
    const found = this.#sources(cached).filter(
      (source) =>
        matches(source, text) &&
        (only !== 'cached' || cached.has(source.rom.target.sha256)) &&
        (only !== 'fitting' || fits(source.rom.target.sha256)),
    )
    const own = places(bay === undefined ? undefined : judged.get(bay))
    const sorted = found.toSorted((a, b) => rankIn(own, a) - rankIn(own, b) || later(a, b))
    const shown = this.#judged(this.#bays())
    return {
      offers: sorted.slice(offset, offset + limit).map((one) => this.#view(one, cached, shown)),
      total: sorted.length,
    }
  }

  async best({ bay, limit }: Params<'firmware.best'>): Promise<Result<'firmware.best'>> {
    const cached = await this.#cached()
    const bays = bay === undefined ? this.#bays() : [bay]
    const sources = new Map(this.#sources(cached).map((source) => [source.rom.target.sha256, source]))
    const judged = this.#judged(bays)
    return {
      terminals: bays.flatMap((one): BestView[] => {
        const judgements = this.#parts.catalogue.judge(one)
        if (judgements === undefined) return []
        const withdrawn = judgements.flatMap(({ installedWithdrawn }) => installedWithdrawn ?? [])
        const missing = judgements.flatMap((judgement) => judgement.missing)
        return [
          {
            bay: one,
            offers: bestOf(judgements.map(({ roms }) => roms))
              .slice(0, limit)
              .flatMap((rom) => {
                const source = sources.get(rom.rom.target.sha256)
                if (source === undefined) return []
                return [{ offer: this.#view(source, cached, judged), own: bayVerdict(one, rom) }]
              }),
            missing: missing.slice(0, 16).map(({ fact, readIn }) => ({ fact, readIn })),
            ...(withdrawn.length > 0 && { installedWithdrawn: clip(withdrawn.join('; '), TEXT.line) }),
          },
        ]
      }),
    }
  }

  /** One of the cache, whoever lists it. */
  async offer(cached: CachedRom): Promise<OfferView> {
    const id = cached.rom.target.sha256
    const all = new Map([[id as string, cached]])
    const source = this.#sources(all).find(({ rom }) => rom.target.sha256 === id)
    return this.#view(source ?? unlisted(cached), all, this.#judged(this.#bays()))
  }

  async #cached(): Promise<ReadonlyMap<string, CachedRom>> {
    return new Map((await this.#parts.firmware.cache.list()).map((one) => [one.rom.target.sha256, one]))
  }

  /** Of all repositories, and what the cache has besides. */
  #sources(cached: ReadonlyMap<string, CachedRom>): readonly OfferSource[] {
    const offers = this.#parts.catalogue.offers()
    const listed = new Set<string>(offers.map(({ rom }) => rom.target.sha256))
    const rest = [...cached].filter(([id]) => !listed.has(id))
    return [...offers, ...rest.map(([, one]) => unlisted(one))]
  }

  #bays(): readonly string[] {
    return this.#parts.board.bays()
  }

  #judged(bays: readonly string[]): ReadonlyMap<string, Judged> {
    return new Map(
      bays.flatMap((bay) => {
        const judgements = this.#parts.catalogue.judge(bay)
        if (judgements === undefined) return []
        const roms = bestOf(judgements.map(({ roms: judged }) => judged))
        return [[bay, new Map(roms.map((one) => [one.rom.target.sha256 as string, one]))] as const]
      }),
    )
  }

  #view(
    source: OfferSource,
    cached: ReadonlyMap<string, CachedRom>,
    judged: ReadonlyMap<string, Judged>,
  ): OfferView {
    const id = source.rom.target.sha256
    const there = cached.get(id)
    const used = there && this.#parts.packages.idOf(there.path)
    return {
      ...offerView(source),
      ...(there && {
        cached: {
          ...{ pinned: there.pinned, usedAt: there.usedAt.toISOString() },
          ...(used !== undefined && { package: used }),
        },
      }),
      // Terminals of other models are not worth a word.
      terminals: [...judged].flatMap(([bay, roms]) => {
        const rom = roms.get(id)
        return rom === undefined || isOther(rom) ? [] : [bayVerdict(bay, rom)]
      }),
    }
  }
}

function unlisted({ rom }: CachedRom): OfferSource {
  return { rom, repository: undefined, rules: undefined }
}

function isFor(rom: JudgedRom | undefined): boolean {
  return rom !== undefined && rom.verdict !== 'refused'
}

function isOther({ verdict, reasons }: JudgedRom): boolean {
  return (
    verdict === 'refused' && reasons.some(({ rule, outcome }) => rule === 'model' && outcome === 'not-met')
  )
}

/** Of several repositories, each in its own order: what fits before what may, and of two that fit alike the later one. */
function bestOf(lists: readonly (readonly JudgedRom[])[]): readonly JudgedRom[] {
  const [only, ...more] = lists
  if (more.length === 0) return only ?? []
  const byId = new Map<string, JudgedRom>()
  for (const rom of lists.flat()) {
    const id = rom.rom.target.sha256
    const before = byId.get(id)
    if (before === undefined || ORDER[rom.verdict] < ORDER[before.verdict]) byId.set(id, rom)
  }
  const time = ({ rom }: JudgedRom) => rom.facts.timestamp ?? 0
  return [...byId.values()].toSorted((a, b) => ORDER[a.verdict] - ORDER[b.verdict] || time(b) - time(a))
}

/** Where each ROM stands in the order of one terminal. */
function places(own: Judged | undefined): ReadonlyMap<string, number> {
  return new Map([...(own?.keys() ?? [])].map((id, place) => [id, place]))
}

function rankIn(own: ReadonlyMap<string, number>, { rom }: OfferSource): number {
  return own.get(rom.target.sha256) ?? own.size
}

function later({ rom: a }: OfferSource, { rom: b }: OfferSource): number {
  const time = (b.facts.timestamp ?? 0) - (a.facts.timestamp ?? 0)
  return time || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}
