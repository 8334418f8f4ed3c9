// Everything that is fetched, written to a stick or taken from one: begun, stopped, gone on with, also after a restart of the bench.
import { createHash, randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { TEXT, type TransferView } from '../../../../shared/contract.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { sha256 } from '../../../../shared/units.ts'
import type { PublishedRom } from '../../../repository/format.ts'
import { OFFLINE, type RomLibrary } from '../../rom-library.ts'
import { exportStick, importStick } from '../../sticks.ts'
import { clip } from '../clip.ts'
import type { ReadModel } from '../read-model.ts'
import type { RomLibrary as PackageList } from '../rom-library.ts'
import type { Catalogue } from './catalogue.ts'
import { Transfer, type Work } from './transfer.ts'
import { WantedDownloads } from './wanted-downloads.ts'

export interface TransferParts {
  readonly data: string
  readonly firmware: RomLibrary
  readonly catalogue: Catalogue
  readonly model: ReadModel
  readonly packages: PackageList
  /** How long after a failure of the network it is tried again, in milliseconds. */
  readonly retryMs?: number
}

/** More at once would only be slower each. */
const AT_ONCE = 2
const MOST = 128
const RETRY_MS = 30_000
const EMPTY = { done: 0, total: 0, received: 0, copied: 0, bytesPerSecond: 0 } as const

export class Transfers {
  readonly #parts: TransferParts
  readonly #all = new Map<string, Transfer>()
  readonly #wanted: WantedDownloads
  readonly #retries = new Map<string, NodeJS.Timeout>()
  readonly #stopFollowing: () => void
  #closing = false

  constructor(parts: TransferParts) {
    this.#parts = parts
    this.#wanted = new WantedDownloads(join(parts.data, 'downloads.json'))
    // What was cut off goes on as soon as it is known where it comes from.
    this.#stopFollowing = parts.catalogue.onRefreshed(() => this.#next())
    void this.#load()
  }

  async #load(): Promise<void> {
    for (const { rom, name, total, done, stopped } of await this.#wanted.load()) {
      if (this.#all.has(idOf(rom)) || this.#closing) continue
      const state = stopped ? 'stopped' : 'waiting'
      this.#add({ id: idOf(rom), kind: 'download', state, name, rom, ...EMPTY, total, done })
    }
    this.#next()
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#stopFollowing()
    for (const timer of this.#retries.values()) clearTimeout(timer)
    await Promise.all([...this.#all.values()].map((one) => one.stop('the bench is being closed')))
    await this.#wanted.close()
  }

  /** Begins a download, or goes on with it. @throws SlotbenchError `rom-unknown`, `usage` when there are too many. */
  download(rom: string): string {
    const found = this.#parts.catalogue.find(rom)
    const id = idOf(rom)
    const known = this.#all.get(id)
    if (known?.active === true) return id
    const name = clip(found.rom.name)
    const total = found.rom.target.size
    if (known === undefined) this.#add({ id, kind: 'download', state: 'waiting', name, rom, ...EMPTY, total })
    else known.show({ state: 'waiting' })
    this.#forgetRetry(id)
    this.#wanted.put({ rom, name, total, done: known?.view.done ?? 0, stopped: false })
    this.#next()
    return id
  }

  async stop(id: string): Promise<void> {
    const transfer = this.#get(id)
    this.#forgetRetry(id)
    await transfer.stop('stopped at the bench')
    // It may have come to its end just before.
    if (!this.#all.has(id)) return
    const { rom, name, total, done } = transfer.view
    if (transfer.view.state === 'failed') transfer.show({ state: 'stopped' })
    if (rom !== undefined) this.#wanted.put({ rom, name: clip(name), total, done, stopped: true })
    this.#next()
  }

  /** Off the list, with what is there of an unfinished download. */
  async drop(id: string): Promise<void> {
    const transfer = this.#get(id)
    this.#forgetRetry(id)
    await transfer.stop('stopped at the bench')
    const { rom, kind, state } = transfer.view
    if (kind === 'download' && rom !== undefined && state !== 'done')
      await this.#parts.firmware.cache.dropUnfinished(sha256(rom))
    this.#forget(id)
    this.#next()
  }

  /** @throws SlotbenchError `rom-unknown`. */
  exportTo(folder: string, roms: readonly string[]): string {
    const { catalogue, firmware } = this.#parts
    const wanted = roms.map((rom) => catalogue.find(rom))
    const total = wanted.reduce((sum, { rom }) => sum + rom.target.size, 0)
    return this.#stick('export', folder, async (transfer) => {
      transfer.show({ total })
      await exportStick(firmware, { roms: wanted, listed: catalogue.listed }, folder, {
        signal: transfer.signal,
        // What has to be fetched first does not count as written.
        fetching: () => ({ signal: transfer.signal }),
        onBytes: (count) => transfer.progress({ done: transfer.view.done + count }),
      })
      catalogue.changed()
      return { roms: wanted.map(({ rom }) => clip(rom.name)) }
    })
  }

  importFrom(folder: string): string {
    const { catalogue, firmware } = this.#parts
    return this.#stick('import', folder, async (transfer) => {
      let before = 0
      const { roms } = await importStick(firmware, folder, {
        signal: transfer.signal,
        onRoms: (all) => transfer.show({ total: all.reduce((sum, { target }) => sum + target.size, 0) }),
        fetching: (rom: PublishedRom) => {
          const options = transfer.fetchOptions(before)
          before += rom.target.size
          return options
        },
      })
      for (const { path } of roms) this.#use(path)
      // The stick may have brought a newer list.
      void catalogue.refreshAnew().catch(() => {})
      return { roms: roms.slice(0, 64).map(({ rom }) => clip(rom.name)) }
    })
  }

  #stick(kind: 'export' | 'import', folder: string, work: Work): string {
    const id = randomUUID()
    const name = clip(resolve(folder), TEXT.path)
    const transfer = this.#add({ id, kind, state: 'waiting', name, ...EMPTY })
    void transfer.run(work)
    return id
  }

  /** Begins what waits, as far as there is room for it. */
  #next(): void {
    if (this.#closing) return
    const downloads = [...this.#all.values()].filter(({ view }) => view.kind === 'download')
    let free = AT_ONCE - downloads.filter(({ view }) => view.state === 'running').length
    for (const transfer of downloads) {
      if (free <= 0) return
      if (transfer.view.state !== 'waiting' || this.#retries.has(transfer.view.id)) continue
      if (!this.#isListed(transfer.view.rom)) continue
      free -= 1
      void this.#fetch(transfer)
    }
  }

  #isListed(rom: string | undefined): boolean {
    return this.#parts.catalogue.listed.some(({ listing }) =>
      listing.roms.some(({ target }) => target.sha256 === rom),
    )
  }

  async #fetch(transfer: Transfer): Promise<void> {
    const { firmware, catalogue } = this.#parts
    const { id, rom = '', name } = transfer.view
    await transfer.run(async () => {
      const { cached } = await firmware.fetch(catalogue.find(rom), transfer.fetchOptions())
      this.#use(cached.path)
      return undefined
    })
    const { state, total, done, problem } = transfer.view
    if (state === 'done') {
      this.#forget(id)
      catalogue.changed()
    } else if (!this.#closing) {
      this.#wanted.put({ rom, name: clip(name), total, done, stopped: state === 'stopped' })
      if (state === 'failed' && OFFLINE.has(problem?.code ?? '')) this.#retryLater(transfer)
    }
    this.#next()
  }

  /** Among the packages of the bench, verified: so its verdict is there before it is chosen. */
  #use(path: string): void {
    const { packages } = this.#parts
    const verified = packages.add(path).then((rom) => packages.verify(rom))
    // How it ends is told at the package.
    verified.catch(() => {})
  }

  #retryLater(transfer: Transfer): void {
    const { id } = transfer.view
    const { retryMs = RETRY_MS } = this.#parts
    transfer.show({ retryAt: new Date(Date.now() + retryMs).toISOString() })
    const timer = setTimeout(() => {
      this.#forgetRetry(id)
      if (transfer.view.state === 'failed') transfer.show({ state: 'waiting' })
      this.#next()
    }, retryMs)
    timer.unref()
    this.#retries.set(id, timer)
  }

  #forgetRetry(id: string): void {
    clearTimeout(this.#retries.get(id))
    this.#retries.delete(id)
  }

  #add(view: TransferView): Transfer {
    if (this.#all.size >= MOST) throw new SlotbenchError('usage', `${MOST} transfers are on the list already`)
    const transfer = new Transfer(this.#parts.model, view)
    this.#all.set(view.id, transfer)
    return transfer
  }

  #forget(id: string): void {
    const rom = this.#all.get(id)?.view.rom
    if (rom !== undefined) this.#wanted.remove(rom)
    this.#all.delete(id)
    this.#parts.model.change({ kind: 'transfer-gone', id })
  }

  #get(id: string): Transfer {
    const transfer = this.#all.get(id)
    if (transfer === undefined) throw new SlotbenchError('usage', `there is no transfer ${id}`)
    return transfer
  }
}

/** One download for each ROM. */
function idOf(rom: string): string {
  return createHash('sha256').update(`download ${rom}`).digest('hex').slice(0, 16)
}
