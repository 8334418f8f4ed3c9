// What is attached, over all kinds of links, and waiting for a terminal to appear.
import { abortError, SlotbenchError } from '../../shared/errors.ts'
import type { IoOptions } from '../../shared/io-options.ts'
import type { BenchDiscovery, Sighting, SightingSource } from './types.ts'

/** A scan that finds nothing must not eat the time of the next one. */
const SCAN_MS = 5_000

/** @param sources closed together with the discovery. */
export function createDiscovery(sources: readonly SightingSource[]): BenchDiscovery {
  return new SourcesDiscovery(sources)
}

class SourcesDiscovery implements BenchDiscovery {
  readonly #sources: readonly SightingSource[]
  #closed = false

  constructor(sources: readonly SightingSource[]) {
    this.#sources = sources
  }

  sightings(): readonly Sighting[] {
    return this.#sources.flatMap((source) => source.sightings())
  }

  get notices(): readonly SlotbenchError[] {
    return this.#sources.flatMap((source) => source.notices)
  }

  onChange(listener: () => void): () => void {
    const stops = this.#sources.map((source) => source.onChange(listener))
    return () => {
      for (const stop of stops) stop()
    }
  }

  async scan(options: IoOptions): Promise<readonly Sighting[]> {
    await Promise.all(this.#sources.map((source) => source.scan(options)))
    return this.sightings()
  }

  async waitFor(matches: (sighting: Sighting) => boolean, options: IoOptions): Promise<Sighting> {
    // Ends the scans when the search is over, and the search when the caller gives up.
    const over = new AbortController()
    const signal = AbortSignal.any([options.signal, over.signal])
    const changes = new Changes()
    const stop = this.onChange(() => changes.announce())
    try {
      for (const source of this.#sources) {
        void scanWhileWaiting(source, { signal, deadline: options.deadline }, changes)
      }
      for (;;) {
        if (options.signal.aborted) throw abortError(options.signal)
        const found = this.sightings().find(matches)
        if (found) return found
        if (options.deadline.expired || this.#closed) throw this.#notFound()
        await changes.next(options)
      }
    } finally {
      stop()
      over.abort()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#sources.map((source) => source.close()))
  }

  #notFound(): SlotbenchError {
    const seen = this.sightings().map((s) => `${s.bay} (${s.mode})`)
    const detail =
      seen.length === 0 ? 'nothing is attached' : `none of what is attached fits: ${seen.join(', ')}`
    return new SlotbenchError('terminal-not-found', detail, { cause: this.notices[0] })
  }
}

async function scanWhileWaiting(source: SightingSource, o: IoOptions, changes: Changes): Promise<void> {
  try {
    // Once for every source: the first enumeration may still be under way.
    await source.scan({ signal: o.signal, deadline: o.deadline.within(SCAN_MS) })
    changes.announce()
    while (!o.signal.aborted && !o.deadline.expired && source.scanEveryMs !== undefined) {
      await pause(source.scanEveryMs, o)
      if (o.signal.aborted) return
      await source.scan({ signal: o.signal, deadline: o.deadline.within(SCAN_MS) })
      changes.announce()
    }
  } catch {
    // Aborted: the search is over, and who aborted it knows why.
  }
}

/** A bell: every `next` that waits is woken by `announce`; one that rang meanwhile is not lost. */
class Changes {
  #rung = false
  #wake: (() => void) | undefined

  announce(): void {
    this.#rung = true
    this.#wake?.()
  }

  async next(o: IoOptions): Promise<void> {
    if (!this.#rung) await pause(o.deadline.remainingMs, o, (wake) => (this.#wake = wake))
    this.#rung = false
    this.#wake = undefined
  }
}

const MAX_TIMER_MS = 0x7fff_ffff

/** Until the time is over, the signal is aborted or the given wake-up is called. */
async function pause(
  ms: number,
  o: Pick<IoOptions, 'signal'>,
  onWake?: (wake: () => void) => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.min(ms, MAX_TIMER_MS))
  const wake = () => resolve()
  onWake?.(wake)
  o.signal.addEventListener('abort', wake, { once: true })
  if (o.signal.aborted) resolve()
  try {
    await promise
  } finally {
    clearTimeout(timer)
    o.signal.removeEventListener('abort', wake)
  }
}
