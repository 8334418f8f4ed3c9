// Where a file can be had from: which server is asked next, which one is left alone for a while, and which one for good.
import { abortError, SlotbenchError } from '../../shared/errors.ts'

/** Only the network's fault, or the server's bad hour: worth another try after a while. Everything else is the server's answer. */
const PASSING = new Set(['repo-unreachable', 'repo-slow'])

export interface BackOff {
  /** Milliseconds before the second try; each further one waits twice as long, up to `maxMs`. */
  readonly firstMs: number
  readonly maxMs: number
  /** Tries in a row without a single good chunk after which a server is given up. */
  readonly tries: number
}
export const BACK_OFF: BackOff = { firstMs: 500, maxMs: 30_000, tries: 8 }

/** What one server showed while it was asked for one file. */
export interface Mirror {
  readonly url: string
  /** Strong entity tag of its file; a part of another version is not sent for it (RFC 9110, 13.1.5). */
  etag: string | undefined
  /** Sends the whole file, whatever part was asked for, right now: one such stream at a time is enough. */
  streaming: boolean
}

interface Known extends Mirror {
  failures: number
  notBefore: number
  givenUp: SlotbenchError | undefined
}

export class Mirrors {
  readonly #all: readonly Known[]
  readonly #backOff: BackOff
  #change = Promise.withResolvers<void>()

  /** @param urls of the same file, the preferred one first. */
  constructor(urls: readonly string[], backOff: BackOff) {
    const fresh = { etag: undefined, streaming: false, failures: 0, notBefore: 0, givenUp: undefined }
    this.#all = urls.map((url) => ({ url, ...fresh }))
    this.#backOff = backOff
  }

  /** The server to ask now, waiting for one when all need a rest. What comes of it is told by `succeeded` and `failed`.
   * @throws SlotbenchError of a server when all are given up; `cancelled`. */
  async take(signal: AbortSignal): Promise<Mirror> {
    for (;;) {
      if (signal.aborted) throw abortError(signal)
      const left = this.#all.filter((mirror) => mirror.givenUp === undefined)
      if (left.length === 0) throw this.#lastError()
      const now = performance.now()
      const ready = left.find((mirror) => mirror.notBefore <= now && !mirror.streaming)
      if (ready !== undefined) return ready
      const next = Math.min(...left.map(({ notBefore }) => (notBefore > now ? notBefore : Infinity)))
      await this.changed(signal, next - now)
    }
  }

  /** Waits until somebody calls `wake`, for `ms` milliseconds at most, or until `signal` is aborted. */
  async changed(signal: AbortSignal, ms = Infinity): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined
    const aborted = () => resolve()
    signal.addEventListener('abort', aborted)
    await Promise.race([promise, this.#change.promise])
    signal.removeEventListener('abort', aborted)
    clearTimeout(timer)
  }

  /** Something ended: whoever waits looks again. */
  wake(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }

  succeeded(mirror: Mirror): void {
    this.#known(mirror).failures = 0
  }

  /** @param retryAfter seconds that the server asked for. */
  failed(mirror: Mirror, error: SlotbenchError, retryAfter = 0): void {
    const known = this.#known(mirror)
    // Connections that break together are one failure.
    if (PASSING.has(error.code) && known.notBefore > performance.now()) return
    known.failures++
    if (!PASSING.has(error.code) || known.failures >= this.#backOff.tries) known.givenUp = error
    const { firstMs, maxMs } = this.#backOff
    const wait = Math.min(maxMs, firstMs * 2 ** (known.failures - 1)) * (0.5 + Math.random() / 2)
    known.notBefore = performance.now() + Math.max(wait, Math.min(retryAfter * 1000, maxMs))
  }

  #known(mirror: Mirror): Known {
    return mirror as Known
  }

  #lastError(): SlotbenchError {
    const errors = this.#all.flatMap((mirror) => mirror.givenUp ?? [])
    // A lie is worth more attention than a silence.
    const worst = errors.find((error) => !PASSING.has(error.code)) ?? errors.at(-1)
    return worst ?? new SlotbenchError('repo-unreachable', 'there is no address to fetch it from')
  }
}
