// Firmware repositories, the cache and sticks, put together for the windows.
import type { Params } from '../../../../shared/contract.ts'
import type { Bench } from '../../bench.ts'
import { RomLibrary, repositoryAddress } from '../../rom-library.ts'
import type { BayBoard } from '../bay-board.ts'
import type { ReadModel } from '../read-model.ts'
import type { RomLibrary as PackageList } from '../rom-library.ts'
import type { SettingsStore } from '../settings-store.ts'
import { CacheDesk } from './cache-desk.ts'
import { CacheHolds } from './cache-holds.ts'
import { Catalogue } from './catalogue.ts'
import { FirmwareSearch } from './search.ts'
import { Transfers } from './transfers.ts'
import { TrustDesk } from './trust-desk.ts'

export interface FirmwareParts {
  readonly bench: Bench
  readonly model: ReadModel
  readonly board: BayBoard
  readonly settings: SettingsStore
  readonly packages: PackageList
}

export class FirmwareDesk {
  readonly catalogue: Catalogue
  readonly search: FirmwareSearch
  readonly transfers: Transfers
  readonly cache: CacheDesk
  readonly trust: TrustDesk
  readonly #firmware: RomLibrary
  readonly #holds: CacheHolds

  constructor({ bench, model, board, settings, packages }: FirmwareParts) {
    const { data, workshop } = bench
    this.#firmware = new RomLibrary({ data, workshop, limit: settings.settings.cacheLimit })
    const firmware = this.#firmware
    this.catalogue = new Catalogue({ firmware, model, board, settings })
    const { catalogue } = this
    this.search = new FirmwareSearch({ firmware, catalogue, board, packages })
    this.transfers = new Transfers({ data, firmware, catalogue, model, packages })
    this.cache = new CacheDesk({ data, firmware, catalogue, packages, search: this.search })
    this.trust = new TrustDesk({ bench, model, firmware, catalogue, packages })
    this.#holds = new CacheHolds(firmware.cache, model)
  }

  /** Other addresses of a repository; asked there at once. */
  async changeRepository({ name, url, mirrors }: Params<'repository.change'>): Promise<void> {
    await this.#firmware.repositories.change(name, {
      url: url === undefined ? undefined : repositoryAddress(url),
      mirrors: mirrors.map(repositoryAddress),
    })
    await this.catalogue.refreshAnew()
  }

  /** Settings that questions and the cache hang on were changed. */
  settingsChanged(limit: number): void {
    this.#firmware.cache.limit = limit
    this.catalogue.changed()
  }

  async close(): Promise<void> {
    this.catalogue.close()
    await this.transfers.close()
    await this.#holds.close()
    await this.#firmware.close()
  }
}
