// A bench's side of a repository for tests: trusted metadata, cache and journal in a folder of its own.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { httpClient } from '../../src/main/io/http/undici-client.ts'
import { DownloadJournal } from '../../src/main/io/repository/download-journal.ts'
import { RomCache } from '../../src/main/io/repository/rom-cache.ts'
import { refreshTrusted, trustRoot } from '../../src/main/io/repository/trusted-metadata.ts'
import { createWorkshop } from '../../src/main/io/workers/workshop.ts'
import { addressOf, type Fetched, type FetchOptions, fetchRom } from '../../src/main/repository/fetch-rom.ts'
import type { PublishedRom } from '../../src/main/repository/format.ts'
import { fetchSmall, type Patience } from '../../src/main/repository/http.ts'
import type { Listing } from '../../src/main/repository/listing.ts'
import type { BackOff } from '../../src/main/repository/mirrors.ts'
import type { RomStore } from '../../src/main/repository/rom-store.ts'
import { Deadline } from '../../src/shared/io-options.ts'
import { NEVER } from '../firmware-repository.ts'

/** Long enough for a busy machine where it has to go well. */
export const PATIENT: Patience = { headersMs: 20_000, silenceMs: 20_000, slowMs: 60_000, slowBytes: 1 }
/** For servers that are silent on purpose. */
export const IMPATIENT: Patience = { headersMs: 300, silenceMs: 300, slowMs: 500, slowBytes: 4096 }
export const EAGER: BackOff = { firstMs: 5, maxMs: 20, tries: 4 }

export class BenchClient {
  readonly folder: string
  readonly cache: RomCache
  readonly #journal: DownloadJournal
  readonly #workshop = createWorkshop()
  readonly #http = httpClient()
  now: (() => Date) | undefined

  private constructor(folder: string, { cache, limit }: { readonly cache?: string; readonly limit: number }) {
    this.folder = folder
    this.#journal = new DownloadJournal(join(folder, 'repository.sqlite'))
    const options = { journal: this.#journal, workshop: this.#workshop, limit }
    this.cache = new RomCache(cache ?? join(folder, 'cache'), options)
  }

  static async create(
    root: string,
    options: { readonly cache?: string; readonly limit?: number } = {},
  ): Promise<BenchClient> {
    const folder = await mkdtemp(join(tmpdir(), 'slotbench bench – 工作台 '))
    const client = new BenchClient(folder, { limit: Number.POSITIVE_INFINITY, ...options })
    await trustRoot(join(folder, 'trusted'), await readFile(root))
    return client
  }

  refresh(base: string, patience: Patience = PATIENT): Promise<Listing> {
    return refreshTrusted(
      join(this.folder, 'trusted'),
      (name, max) =>
        fetchSmall(
          this.#http,
          { url: addressOf(base, `metadata/${name}`), max },
          { signal: NEVER, deadline: Deadline.after(20_000), patience },
        ),
      this.now,
    )
  }

  fetch(
    rom: PublishedRom,
    bases: readonly string[],
    options: Partial<FetchOptions> & { readonly store?: RomStore } = {},
  ): Promise<Fetched> {
    const { store = this.cache, ...rest } = options
    return fetchRom(
      rom,
      { http: this.#http, store, workshop: this.#workshop, bases },
      { signal: NEVER, patience: PATIENT, backOff: EAGER, ...rest },
    )
  }

  async close(): Promise<void> {
    await this.#http.close()
    await this.#workshop.close()
    this.#journal.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
