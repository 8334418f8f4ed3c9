// The ports of the bench as a window sees them: what stands there, what was read of it, what is being done with it.
import type { BayFacts, BayView, BayWork, Notice } from '../../../shared/contract.ts'
import { asSlotbenchError, type ErrorCode, SlotbenchError } from '../../../shared/errors.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { Waiting } from '../../flash/bay-sessions.ts'
import type { Sighting } from '../../terminals/types.ts'
import type { Bench } from '../bench.ts'
import { noticeOf, sightingView } from '../bench-view.ts'
import { knownIdentity } from '../known-identity.ts'
import type { BayDesk } from './bay-desk.ts'
import { clip, clipAll } from './clip.ts'
import { waitingView } from './job-view.ts'
import type { LogBook } from './log-book.ts'
import type { ReadModel } from './read-model.ts'
import type { SettingsStore } from './settings-store.ts'
import { bayFacts, clippedNotice } from './views.ts'

/** Bays of the simulated bus begin so. */
export const SIMULATED_BUS = 'sim'

export interface BoardParts {
  readonly bench: Bench
  readonly model: ReadModel
  readonly log: LogBook
  readonly desk: BayDesk
  readonly settings: SettingsStore
}

const HELD: ReadonlySet<string> = new Set<ErrorCode>(['usb-busy', 'adb-server', 'job-busy'])

interface Reading {
  readonly facts: TerminalFacts
  readonly summary: BayFacts
  readonly serial: string | undefined
}

interface Bay {
  sighting: Sighting | undefined
  reading: Reading | undefined
  work: BayWork | undefined
  problem: Notice | undefined
}

export class BayBoard {
  readonly #parts: BoardParts
  readonly #bays = new Map<string, Bay>()
  readonly #listeners = new Set<(bay: string) => void>()
  readonly #stop: () => void

  constructor(parts: BoardParts) {
    this.#parts = parts
    for (const { bay } of parts.settings.settings.bays) this.#bay(bay)
    const discovery = parts.bench.discovery()
    this.#stop = discovery.onChange(() => this.refresh())
    this.refresh()
  }

  close(): void {
    this.#stop()
  }

  /** Called after something came, went or changed its mode on a bay. @returns the way to stop. */
  onChange(listener: (bay: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @throws SlotbenchError `bay-empty`, or why what stands there cannot be opened. */
  openable(bay: string): Sighting {
    const sighting = this.sighting(bay)
    if (sighting?.problem !== undefined) throw sighting.problem
    if (sighting === undefined) throw new SlotbenchError('bay-empty', `nothing is attached to ${bay}`)
    return sighting
  }

  sighting(bay: string): Sighting | undefined {
    return this.#bays.get(bay)?.sighting
  }

  bays(): readonly string[] {
    return [...this.#bays.keys()]
  }

  reading(bay: string): { readonly facts: TerminalFacts; readonly at: string } | undefined {
    const reading = this.#bays.get(bay)?.reading
    return reading && { facts: reading.facts, at: reading.summary.at }
  }

  /** Looks at what is attached now, and tells what has changed. */
  refresh(): void {
    const { bench, model } = this.#parts
    const { notices } = bench.discovery()
    const told = notices.map((notice) => clippedNotice(noticeOf(notice)))
    if (JSON.stringify(told) !== JSON.stringify(model.state.notices))
      model.change({ kind: 'notices', notices: told })
    const seen = new Map<string, Sighting>(
      bench
        .discovery()
        .sightings()
        .map((s) => [s.bay, s]),
    )
    for (const id of new Set([...this.#bays.keys(), ...seen.keys()])) this.#see(id, seen.get(id))
  }

  /** Shows what is done with the terminal until it is over. */
  async working<T>(bay: string, work: BayWork, task: () => Promise<T>): Promise<T> {
    // What was wrong with the last reading stays until one succeeds, or something else is wanted.
    this.#change(bay, work.kind === 'reading' ? { work } : { work, problem: undefined })
    try {
      return await task()
    } finally {
      this.#change(bay, { work: undefined })
    }
  }

  /** What is waited for in the work under way. */
  waiting(bay: string, waiting: Waiting): void {
    const { work } = this.#bay(bay)
    if (work === undefined) return
    this.#change(bay, { work: { ...work, waiting: waitingView(waiting, new Date()) } })
    const { reason, guide } = waiting
    this.#parts.log.write({ kind: 'waiting', reason, ...(guide !== undefined && { guide }) }, { bay })
  }

  visiting(bay: string, mode: TerminalFacts['mode']): void {
    const { work } = this.#bay(bay)
    if (work !== undefined) this.#change(bay, { work: { kind: work.kind, mode } })
    this.#parts.log.write({ kind: 'restarting', mode }, { bay })
  }

  learnt(bay: string, facts: TerminalFacts): void {
    const clipped = clipAll(facts)
    const summary = bayFacts(clipped, new Date())
    this.#change(bay, {
      reading: { facts: clipped, summary, serial: facts.serial?.value },
      problem: undefined,
    })
    this.#parts.log.write({ kind: 'facts-read', mode: facts.mode }, { bay })
  }

  /** Reads the terminal in the mode it is in. With `yields` it gives way to whatever else is wanted of the bay. */
  async read(bay: string, yields: boolean): Promise<TerminalFacts> {
    const { bench, desk } = this.#parts
    return desk.take(bay, { yields }, async (signal) => {
      const sighting = this.openable(bay)
      bench.journal.checkFree(sighting.bay, sighting.serial)
      return this.working(bay, { kind: 'reading' }, async () => {
        const facts = await bench.read(sighting, { signal, onWaiting: (w) => this.waiting(bay, w) })
        this.learnt(bay, facts)
        return facts
      })
    })
  }

  rename(bay: string, name: string): void {
    const { settings } = this.#parts
    this.#remember()
    const bays = settings.settings.bays.map((known) =>
      known.bay === bay ? { bay, ...(name.trim() !== '' && { name: name.trim() }) } : known,
    )
    this.#store(bays)
    this.#tell(bay)
  }

  order(ids: readonly string[]): void {
    this.#remember()
    const place = new Map(ids.map((id, index) => [id, index]))
    const { bays } = this.#parts.settings.settings
    const rank = (bay: string) => place.get(bay) ?? ids.length
    this.#store([...bays].sort((a, b) => rank(a.bay) - rank(b.bay)))
    this.#tellOrder()
  }

  /** @throws SlotbenchError `bay-busy` while something stands there. */
  forget(bay: string): void {
    if (this.sighting(bay) !== undefined || this.#parts.desk.isBusy(bay))
      throw new SlotbenchError('bay-busy', `${bay} is not empty`)
    this.#bays.delete(bay)
    this.#store(this.#parts.settings.settings.bays.filter((known) => known.bay !== bay))
    this.#parts.model.change({ kind: 'bay-gone', id: bay })
  }

  #see(id: string, sighting: Sighting | undefined): void {
    const known = this.#bays.has(id)
    const bay = this.#bay(id)
    const before = bay.sighting
    if (known && !differs(before, sighting)) {
      bay.sighting = sighting
      return
    }
    bay.sighting = sighting
    this.#forgetStranger(bay)
    if (sighting !== undefined) bay.problem = undefined
    this.#tell(id)
    if (!known) {
      this.#remember()
      this.#tellOrder()
    }
    this.#logArrival(id, before, sighting)
    if (!this.#isReadIn(bay)) this.readByItself(id)
    for (const listener of this.#listeners) listener(id)
  }

  /** Facts stay with the terminal through its restarts, and go when another one comes. */
  #forgetStranger(bay: Bay): void {
    const serial = bay.sighting?.serial
    if (bay.reading === undefined || serial === undefined) return
    if (serial.toLowerCase() !== bay.reading.serial?.toLowerCase()) bay.reading = undefined
  }

  #logArrival(bay: string, before: Sighting | undefined, now: Sighting | undefined): void {
    if (now === undefined) {
      if (before !== undefined) this.#parts.log.write({ kind: 'left' }, { bay })
      return
    }
    const name = now.serial ?? now.product
    const event = {
      kind: 'attached',
      mode: now.mode,
      ...(name !== undefined && { name: clip(name) }),
    } as const
    this.#parts.log.write(event, { bay })
  }

  #isReadIn({ sighting, reading }: Bay): boolean {
    return reading !== undefined && reading.facts.mode === sighting?.mode
  }

  /** Reads what stands there, where the settings allow it and nothing else is done with it. */
  readByItself(id: string): void {
    const { settings, desk } = this.#parts
    const { sighting } = this.#bay(id)
    // A terminal in EDL needs a programmer first, and one that restarts in a job is the job's business.
    const readable = sighting?.protocol === 'fastboot' || sighting?.protocol === 'adb'
    if (!settings.settings.autoRead || !readable || desk.isBusy(id)) return
    this.read(id, true).catch((thrown: unknown) => this.#readFailed(id, asSlotbenchError(thrown)))
  }

  /** Whoever held a terminal may have let go of it. */
  retryHeld(): void {
    for (const [id, { problem, sighting }] of this.#bays)
      if (sighting !== undefined && HELD.has(problem?.code ?? '')) this.readByItself(id)
  }

  #readFailed(id: string, error: SlotbenchError): void {
    // It left, or was wanted for something else: no news.
    if (error.code === 'cancelled' || error.code === 'bay-busy' || error.code === 'bay-empty') return
    if (error.code === 'terminal-gone' || this.sighting(id) === undefined) return
    this.#change(id, { problem: clippedNotice(noticeOf(error)) })
  }

  #bay(id: string): Bay {
    const known = this.#bays.get(id)
    if (known !== undefined) return known
    const bay: Bay = { sighting: undefined, reading: undefined, work: undefined, problem: undefined }
    this.#bays.set(id, bay)
    return bay
  }

  #change(id: string, change: Partial<Bay>): void {
    Object.assign(this.#bay(id), change)
    this.#tell(id)
  }

  /** Every port that was ever seen keeps its place on the wall. */
  #remember(): void {
    const { bays } = this.#parts.settings.settings
    const missing = this.bays().filter((id) => bays.every(({ bay }) => bay !== id))
    if (missing.length > 0)
      this.#store([...bays, ...missing.sort(byNumbersToo.compare).map((bay) => ({ bay }))])
  }

  #store(bays: readonly { readonly bay: string; readonly name?: string }[]): void {
    const { settings, model } = this.#parts
    model.change({ kind: 'settings', settings: settings.change({ bays: [...bays].slice(0, 256) }) })
  }

  #tellOrder(): void {
    const { settings, model } = this.#parts
    model.change({ kind: 'bay-order', ids: settings.settings.bays.map(({ bay }) => bay) })
  }

  #tell(id: string): void {
    this.#parts.model.change({ kind: 'bay', bay: this.view(id) })
  }

  view(id: string): BayView {
    const { sighting, reading, work, problem } = this.#bay(id)
    const { bench, settings } = this.#parts
    const name = settings.settings.bays.find(({ bay }) => bay === id)?.name
    return {
      bay: id,
      simulated: id.startsWith(`usb:${SIMULATED_BUS}-`),
      ...(name !== undefined && { name }),
      ...(sighting && {
        sighting: clipAll(sightingView(sighting, knownIdentity(bench.known, sighting, new Date()))),
      }),
      ...(reading && sighting && { facts: reading.summary }),
      ...(work && { work }),
      ...(problem && sighting && { problem }),
    }
  }
}

const byNumbersToo = new Intl.Collator('en', { numeric: true })

function differs(a: Sighting | undefined, b: Sighting | undefined): boolean {
  return (
    a?.mode !== b?.mode ||
    a?.protocol !== b?.protocol ||
    a?.serial !== b?.serial ||
    a?.usb?.address !== b?.usb?.address ||
    a?.problem?.code !== b?.problem?.code
  )
}
