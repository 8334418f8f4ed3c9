// The ROMs that a bench can have: its repositories and its cache put together, for every host.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EXIT } from '../../shared/error-catalogue.ts'
import { asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'
import { Deadline } from '../../shared/io-options.ts'
import type { CompiledDeployments } from '../core/eligibility/compile.ts'
import { compileDeployments, parseDeployments } from '../core/eligibility/compile.ts'
import type { Workshop } from '../core/workshop.ts'
import { withFolders } from '../io/http/folder-client.ts'
import { httpClient } from '../io/http/undici-client.ts'
import { DownloadJournal } from '../io/repository/download-journal.ts'
import { KnownRepositories, type KnownRepository } from '../io/repository/known-repositories.ts'
import { RomCache } from '../io/repository/rom-cache.ts'
import { refreshTrusted } from '../io/repository/trusted-metadata.ts'
import { type FetchNeed, fetchNeed } from '../repository/fetch-need.ts'
import { addressOf, type Fetched, type FetchOptions, fetchRom, fetchTarget } from '../repository/fetch-rom.ts'
import { metadataFile, type PublishedRom } from '../repository/format.ts'
import { fetchSmall, type HttpClient, PATIENCE } from '../repository/http.ts'
import type { Listing, MetadataSource } from '../repository/listing.ts'

export interface LibraryOptions {
  readonly data: string
  /** Default: what `$SLOTBENCH_CACHE` names, shared with other benches, or the bench's own in `data`. */
  readonly cache?: string
  readonly workshop: Workshop
  /** Of the cache, bytes. */
  readonly limit: number
}

export interface ListedRepository {
  readonly repository: KnownRepository
  readonly listing: Listing
  /** Why it could not be asked, when this is what it showed last. */
  readonly stale: SlotbenchError | undefined
}

export interface ListedRom {
  readonly repository: KnownRepository
  readonly rom: PublishedRom
}

/** Names a cache that several benches share. */
const CACHE_VARIABLE = 'SLOTBENCH_CACHE'
/** One file of metadata; milliseconds. */
const METADATA_MS = 60_000
const MAX_DEPLOYMENT = 64 * 1024 * 1024
/** Failures of the network: what was listed last still counts until it expires, and a download can go on later. */
export const OFFLINE: ReadonlySet<string> = new Set([
  'repo-unreachable',
  'repo-slow',
  'repo-web-page',
  'repo-incomplete',
  'repo-refused',
])

export class RomLibrary {
  readonly repositories: KnownRepositories
  readonly cache: RomCache
  readonly http: HttpClient
  readonly #journal: DownloadJournal
  readonly #workshop: Workshop

  constructor({ data, cache = process.env[CACHE_VARIABLE], workshop, limit }: LibraryOptions) {
    this.repositories = new KnownRepositories(join(data, 'repositories'))
    this.#journal = new DownloadJournal(join(data, 'repository.sqlite'))
    this.cache = new RomCache(cache || join(data, 'cache'), { journal: this.#journal, workshop, limit })
    this.http = withFolders(httpClient())
    this.#workshop = workshop
  }

  /** Trusts a repository by its root, and looks at once whether it is there and holds.
   * @throws SlotbenchError; then what does not hold is not trusted, and what is only out of reach stays. */
  async trust(
    repository: Omit<KnownRepository, 'addedAt'>,
    root: Uint8Array,
    signal: AbortSignal,
  ): Promise<ListedRepository> {
    const before = await this.repositories.get(repository.name).catch(() => undefined)
    const added = await this.repositories.add(repository, root)
    try {
      return await this.list(added, signal)
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (error.exitCode === EXIT.package && before === undefined)
        await this.repositories.remove(repository.name)
      throw error
    }
  }

  /** What the repository has now, or what it had when it was last asked.
   * @throws SlotbenchError when it lies, or was never reached. */
  async list(repository: KnownRepository, signal: AbortSignal): Promise<ListedRepository> {
    let failed: SlotbenchError | undefined
    for (const base of addresses(repository, 'metadata')) {
      try {
        const listing = await this.refresh(repository, base, signal)
        return { repository, listing, stale: undefined }
      } catch (error) {
        if (signal.aborted) throw error
        // A server that lies is worth more words than one that is silent.
        const known = asSlotbenchError(error)
        if (failed === undefined || (OFFLINE.has(failed.code) && !OFFLINE.has(known.code))) failed = known
      }
    }
    const kept = await this.repositories.keptListing(repository.name)
    failed ??= new SlotbenchError('repo-unreachable', `${repository.name} comes on sticks only`)
    if (!OFFLINE.has(failed.code) || kept === undefined) throw failed
    if (kept.expires <= new Date())
      throw new SlotbenchError(
        'repo-expired',
        `what ${repository.name} showed last expired at ${kept.expires.toISOString()}, and it cannot be reached: ${failed.message}`,
      )
    return { repository, listing: kept, stale: failed }
  }

  /** Asks the repository at one address, and keeps what it lists. */
  async refresh(repository: KnownRepository, base: string, signal: AbortSignal): Promise<Listing> {
    const trusted = this.repositories.trusted(repository.name)
    const listing = await refreshTrusted(trusted, this.metadataAt(base, signal))
    await this.repositories.keepListing(repository.name, listing)
    return listing
  }

  metadataAt(base: string, signal: AbortSignal): MetadataSource {
    return (name, max) =>
      fetchSmall(
        this.http,
        { url: addressOf(base, metadataFile(name)), max },
        { signal, deadline: Deadline.after(METADATA_MS), patience: PATIENCE },
      )
  }

  /** Of all repositories; one that fails is told to `onProblem` and hides no other. */
  async roms(
    signal: AbortSignal,
    onProblem: (repository: KnownRepository, error: SlotbenchError) => void,
  ): Promise<readonly ListedRepository[]> {
    const listed: ListedRepository[] = []
    for (const repository of await this.repositories.list()) {
      try {
        const one = await this.list(repository, signal)
        if (one.stale !== undefined) onProblem(repository, one.stale)
        for (const { error } of one.listing.problems) onProblem(repository, error)
        listed.push(one)
      } catch (error) {
        if (signal.aborted) throw error
        onProblem(repository, asSlotbenchError(error))
      }
    }
    return listed
  }

  /** The rules of a repository, ready for questions; undefined when it has none. */
  async deployments(listed: ListedRepository, signal: AbortSignal): Promise<CompiledDeployments | undefined> {
    const content = await this.deploymentFile(listed, signal)
    if (content === undefined) return undefined
    try {
      return compileDeployments(parseDeployments(JSON.parse(Buffer.from(content).toString('utf8'))))
    } catch (error) {
      throw asSlotbenchError(error, 'deployments-invalid')
    }
  }

  /** The rules as they were signed, fetched once for each state of the repository. */
  async deploymentFile(
    { repository, listing }: ListedRepository,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const { deployment } = listing
    if (deployment === undefined) return undefined
    const kept = await this.repositories.keptDeployment(repository.name, deployment.sha256)
    if (kept !== undefined) return kept
    const means = { http: this.http, bases: addresses(repository, 'targets'), max: MAX_DEPLOYMENT }
    const content = await fetchTarget(deployment, means, { signal })
    await this.repositories.keepDeployment(repository.name, content)
    return content
  }

  /** Into the cache, or what is there of it already. */
  fetch({ repository, rom }: ListedRom, options: FetchOptions): Promise<Fetched> {
    return this.fetchFrom(rom, addresses(repository, 'targets'), options)
  }

  /** What fetching it would cost, as far as its index tells. */
  need({ repository, rom }: ListedRom, options: Pick<FetchOptions, 'signal'>): Promise<FetchNeed> {
    const bases = addresses(repository, 'targets')
    return fetchNeed(rom, { http: this.http, store: this.cache, bases }, options)
  }

  fetchFrom(rom: PublishedRom, bases: readonly string[], options: FetchOptions): Promise<Fetched> {
    return fetchRom(rom, { http: this.http, store: this.cache, workshop: this.#workshop, bases }, options)
  }

  async close(): Promise<void> {
    await this.http.close()
    this.#journal.close()
  }
}

/** Metadata come from the repository itself first, large files from whoever is near. */
function addresses({ url, mirrors }: KnownRepository, of: 'metadata' | 'targets'): readonly string[] {
  const own = url === undefined ? [] : [url]
  return of === 'metadata' ? [...own, ...mirrors] : [...mirrors, ...own]
}

/** An address as people type it: with or without a slash at its end, or the path of a folder.
 * @throws SlotbenchError `usage`. */
export function repositoryAddress(text: string): string {
  if (/^(https?|file):/i.test(text)) {
    const url = URL.parse(text)
    if (url === null || url.search !== '' || url.hash !== '')
      throw new SlotbenchError('usage', `${text} is no address of a repository`)
    return url.href.endsWith('/') ? url.href : `${url.href}/`
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text))
    throw new SlotbenchError('usage', `${text}: a repository is at http:, https: or in a folder`)
  return `${pathToFileURL(text).href}/`
}

/** The ROM that people mean by its name, `publisher/name`, `repository/publisher/name`, its build, or how its SHA-256 begins.
 * @throws SlotbenchError `rom-unknown`, or `usage` when several are meant. */
export function romNamed(listed: readonly ListedRepository[], wanted: string): ListedRom {
  const all = listed.flatMap(({ repository, listing }) => listing.roms.map((rom) => ({ repository, rom })))
  const names = ({ repository, rom }: ListedRom) => [
    ...[rom.name, `${rom.publisher}/${rom.name}`, `${repository.name}/${rom.publisher}/${rom.name}`],
    ...(rom.facts.build === undefined ? [] : [rom.facts.build]),
  ]
  const digest = /^[0-9a-f]{12,64}$/.test(wanted)
  const found = all.filter(
    (one) => names(one).includes(wanted) || (digest && one.rom.target.sha256.startsWith(wanted)),
  )
  // The same package in two repositories is one choice.
  const different = new Map(found.map((one) => [one.rom.target.sha256, one]))
  const [first] = different.values()
  if (first === undefined) throw new SlotbenchError('rom-unknown', `no repository lists ${wanted}`)
  if (different.size > 1)
    throw new SlotbenchError(
      'usage',
      `${wanted} may be ${found.map(({ repository, rom }) => `${repository.name}/${rom.publisher}/${rom.name}`).join(' or ')}`,
    )
  return first
}
