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
  const pieces = response.body[Symbol.asyncIterator]()
  let since = performance.now()
  let received = 0
  try {
    for (;;) {
      const piece = await within(pieces.next(), patience.silenceMs, signal)
      if (piece.done) return
      yield piece.value
      received += piece.value.length
      const now = performance.now()
      if (now - since < patience.slowMs) continue
      if (received < patience.slowBytes)
        throw new SlotbenchError('repo-slow', `${received} bytes in ${Math.round((now - since) / 1000)} s`)
      since = now
      received = 0
    }
  } finally {
    response.cancel()
  }
}

async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  work.catch(() => {})
  if (signal.aborted) throw abortError(signal)
  const { promise, reject } = Promise.withResolvers<never>()
  const aborted = () => reject(abortError(signal))
  const timer = setTimeout(
    () => reject(new SlotbenchError('repo-slow', `nothing came for ${Math.round(ms / 1000)} s`)),
    ms,
  )
  signal.addEventListener('abort', aborted)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
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
