// The packages on the bench: opened, verified, and remembered between starts by their paths.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { RomView } from '../../../shared/contract.ts'
import { TEXT } from '../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { Rom } from '../../core/rom/types.ts'
import { writeWholeSync } from '../../io/files/write-whole-sync.ts'
import type { Bench } from '../bench.ts'
import { noticeOf } from '../bench-view.ts'
import { clip, clipAll } from './clip.ts'
import type { LogBook } from './log-book.ts'
import type { ReadModel } from './read-model.ts'
import { clippedNotice, fileName, romSummary } from './views.ts'

const MOST_ROMS = 128
const listSchema = z.array(z.string().max(TEXT.path)).max(MOST_ROMS)

export interface LibraryParts {
  readonly bench: Bench
  readonly model: ReadModel
  readonly log: LogBook
}

interface Entry {
  readonly path: string
  view: RomView
  info: RomInfo | undefined
  /** So that ten terminals do not read the same package ten times at once. */
  verifying: Promise<void> | undefined
}

export class RomLibrary {
  readonly #parts: LibraryParts
  readonly #file: string
  readonly #entries = new Map<string, Entry>()
  readonly #closing = new AbortController()

  constructor(parts: LibraryParts) {
    this.#parts = parts
    this.#file = join(parts.bench.data, 'library.json')
    for (const path of readList(this.#file)) void this.add(path).catch(() => {})
  }

  close(): void {
    this.#closing.abort(new SlotbenchError('cancelled', 'the bench is being closed'))
  }

  /** Opens a package and lists it, also when it cannot be read: then with the reason.
   * @returns its id, the same for the same path. */
  async add(path: string): Promise<string> {
    const full = resolve(path)
    const id = createHash('sha256').update(full).digest('hex').slice(0, 16)
    const known = this.#entries.get(id)
    if (known !== undefined && known.view.state !== 'bad') return id
    if (known === undefined && this.#entries.size >= MOST_ROMS)
      throw new SlotbenchError('usage', `the library holds ${MOST_ROMS} packages; take one off first`)
    const view: RomView = { id, path: clip(full, TEXT.path), name: fileName(full), state: 'opening' }
    const entry: Entry = { path: full, view, info: undefined, verifying: undefined }
    this.#entries.set(id, entry)
    this.#show(entry, view)
    this.#save()
    await this.#open(entry)
    return id
  }

  remove(id: string): void {
    this.#entry(id)
    this.#entries.delete(id)
    this.#save()
    this.#parts.model.change({ kind: 'rom-gone', id })
  }

  /** @throws SlotbenchError `rom-not-listed`. */
  pathOf(id: string): string {
    return this.#entry(id).path
  }

  /** @returns undefined for a path that is not on the list. */
  idOf(path: string): string | undefined {
    return [...this.#entries.values()].find((entry) => entry.path === path)?.view.id
  }

  /** Everything the package says of itself, cut to what fits a message. */
  detail(id: string): RomInfo {
    const { info, view } = this.#entry(id)
    if (info !== undefined) return clipAll(info)
    throw new SlotbenchError('package-unknown', view.problem?.detail ?? 'the package is not open yet')
  }

  /** Checks every digest; those who ask meanwhile wait for the same pass.
   * @throws SlotbenchError what opening and verifying throw; it is shown at the package too. */
  verify(id: string): Promise<void> {
    const entry = this.#entry(id)
    entry.verifying ??= this.#verify(entry).finally(() => {
      entry.verifying = undefined
    })
    return entry.verifying
  }

  async #verify(entry: Entry): Promise<void> {
    const { bench } = this.#parts
    const signal = this.#closing.signal
    try {
      const rom = await bench.open(entry.path, signal)
      try {
        this.#opened(entry, rom)
        this.#show(entry, { ...entry.view, state: 'verifying' })
        const onProgress = (done: number, total: number) =>
          this.#show(entry, { ...entry.view, progress: { done, total } })
        entry.info = await bench.verify(rom, { signal, onProgress })
      } finally {
        await rom.close()
      }
      const { progress: _, ...view } = entry.view
      this.#show(entry, { ...view, state: 'verified', summary: romSummary(entry.info) })
      this.#parts.log.write({ kind: 'rom', name: view.name, state: 'verified' })
    } catch (thrown) {
      throw this.#bad(entry, thrown)
    }
  }

  async #open(entry: Entry): Promise<void> {
    try {
      const rom = await this.#parts.bench.open(entry.path, this.#closing.signal)
      this.#opened(entry, rom)
      await rom.close()
    } catch (thrown) {
      this.#bad(entry, thrown)
    }
  }

  #opened(entry: Entry, { info }: Rom): void {
    entry.info = info
    const { problem: _, progress: __, ...view } = entry.view
    this.#show(entry, { ...view, state: 'opened', summary: romSummary(info) })
  }

  #bad(entry: Entry, thrown: unknown): SlotbenchError {
    const error = asSlotbenchError(thrown)
    const { progress: _, ...view } = entry.view
    this.#show(entry, { ...view, state: 'bad', problem: clippedNotice(noticeOf(error)) })
    this.#parts.log.write({ kind: 'rom', name: view.name, state: 'bad' })
    return error
  }

  #show(entry: Entry, view: RomView): void {
    entry.view = view
    if (this.#entries.get(view.id) === entry) this.#parts.model.change({ kind: 'rom', rom: view })
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new SlotbenchError('rom-not-listed', `there is no package ${id}`)
    return entry
  }

  /** The list is a convenience: a disk that is full takes nothing else along. */
  #save(): void {
    try {
      const paths = [...this.#entries.values()].map(({ path }) => path)
      writeWholeSync(this.#file, JSON.stringify(paths))
    } catch {
      // The packages are opened by hand after the next start.
    }
  }
}

function readList(file: string): readonly string[] {
  try {
    return listSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return []
  }
}
