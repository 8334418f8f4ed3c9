// What fetching needs of HTTP, handed in by `io/http`; and small files fetched with every limit held.
import { abortError, SlotbenchError } from '../../shared/errors.ts'
import type { IoOptions } from '../../shared/io-options.ts'

export interface HttpResponse {
  readonly status: number
  /** @param name in small letters. */
  header(name: string): string | undefined
  /** Pieces as they arrive. Whoever takes a piece may keep it.
   * @throws SlotbenchError `repo-unreachable` when the connection breaks, before the promised length too. */
  readonly body: AsyncIterable<Uint8Array>
  /** Gives up on the rest; the connection is closed. Safe after the end. */
  cancel(): void
}

export interface HttpClient {
  /** Redirections are not followed: a repository is where its address says.
   * @throws SlotbenchError `repo-unreachable`, `cancelled`, or `repo-slow` when the deadline passes before the headers are there. */
  get(
    url: string,
    options: IoOptions & { readonly headers?: Readonly<Record<string, string>> },
  ): Promise<HttpResponse>
  close(): Promise<void>
}

/** How long a server may take; milliseconds and bytes. */
export interface Patience {
  /** For the headers of an answer. */
  readonly headersMs: number
  /** Between two pieces of an answer. */
  readonly silenceMs: number
  /** Fewer bytes than `slowBytes` in a time of `slowMs` are as bad as none: a server could hold a bench for days with them. */
  readonly slowMs: number
  readonly slowBytes: number
}
export const PATIENCE: Patience = {
  headersMs: 20_000,
  silenceMs: 15_000,
  slowMs: 30_000,
  slowBytes: 64 * 1024,
}

/** The pieces of `response`, as long as they come fast enough.
 * @throws SlotbenchError `repo-slow`, `cancelled`, and what the body throws. */
export async function* patiently(
  response: HttpResponse,
  patience: Patience,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const watch = new Watch(patience, () => response.cancel())
  try {
    for await (const piece of response.body) {
      if (signal.aborted) throw abortError(signal)
      watch.received(piece.length)
      yield piece
      watch.waiting()
    }
  } catch (error) {
    throw signal.aborted ? abortError(signal) : (watch.failure ?? error)
  } finally {
    watch.end()
    response.cancel()
  }
  // An answer that was given up ends like one that is complete, with some servers.
  if (watch.failure !== undefined) throw watch.failure
}

/** One timer for a whole answer, however many pieces it has: it looks now and then. What whoever takes the pieces needs for himself
 * does not count. */
class Watch {
  readonly #patience: Patience
  readonly #timer: NodeJS.Timeout
  failure: SlotbenchError | undefined
  /** When it began to wait for the next piece; undefined while somebody works on one. */
  #waitingSince: number | undefined = performance.now()
  #waited = 0
  #bytes = 0

  constructor(patience: Patience, giveUp: () => void) {
    this.#patience = patience
    const often = Math.max(10, Math.min(patience.silenceMs, patience.slowMs) / 8)
    this.#timer = setInterval(() => {
      this.failure ??= this.#judge()
      if (this.failure !== undefined) giveUp()
    }, often)
  }

  received(bytes: number): void {
    this.#waited += this.#silence()
    this.#waitingSince = undefined
    this.#bytes += bytes
  }

  waiting(): void {
    this.#waitingSince = performance.now()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #silence(): number {
    return this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince
  }

  #judge(): SlotbenchError | undefined {
    const silence = this.#silence()
    const { silenceMs, slowMs, slowBytes } = this.#patience
    if (silence > silenceMs)
      return new SlotbenchError('repo-slow', `nothing came for ${Math.round(silence / 1000)} s`)
    if (this.#waited + silence < slowMs) return undefined
    if (this.#bytes < slowBytes)
      return new SlotbenchError('repo-slow', `${this.#bytes} bytes in ${Math.round(slowMs / 1000)} s`)
    this.#waited = -silence
    this.#bytes = 0
    return undefined
  }
}

/** A whole small file.
 * @param max bytes; more is cut off.
 * @returns undefined when the server has no such file (404, or 403 as object stores answer).
 * @throws SlotbenchError `repo-too-long`, `repo-web-page`, `repo-refused`, `repo-unreachable`, `repo-slow`, `cancelled`. */
export async function fetchSmall(
  http: HttpClient,
  { url, max }: { readonly url: string; readonly max: number },
  options: IoOptions & { readonly patience: Patience },
): Promise<Buffer<ArrayBuffer> | undefined> {
  const { signal, deadline, patience } = options
  const response = await http.get(url, { signal, deadline: deadline.within(patience.headersMs) })
  try {
    if (response.status === 404 || response.status === 403) return undefined
    checkAnswer(response, url, [200])
    if (Number(response.header('content-length') ?? 0) > max) throw tooLong(url, max)
    const pieces: Uint8Array[] = []
    let size = 0
    for await (const piece of patiently(response, patience, signal)) {
      size += piece.length
      if (size > max) throw tooLong(url, max)
      if (deadline.expired) throw new SlotbenchError('repo-slow', `${url} took too long`)
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  } finally {
    response.cancel()
  }
}

function tooLong(url: string, max: number): SlotbenchError {
  return new SlotbenchError('repo-too-long', `${url} is longer than ${max} bytes`)
}

/** @throws SlotbenchError for an answer that is none of the `good` ones, or is a page for people. */
export function checkAnswer(response: HttpResponse, url: string, good: readonly number[]): void {
  const { status } = response
  if (good.includes(status)) {
    if (/^text\/html\b/i.test(response.header('content-type') ?? ''))
      throw new SlotbenchError('repo-web-page', `${url} is a web page`)
    return
  }
  const code = status >= 500 || status === 429 || status === 408 ? 'repo-unreachable' : 'repo-refused'
  if (status >= 300 && status < 400)
    throw new SlotbenchError('repo-web-page', `${url} leads to another address (HTTP ${status})`)
  throw new SlotbenchError(code, `${url}: the server answered ${status}`)
}
