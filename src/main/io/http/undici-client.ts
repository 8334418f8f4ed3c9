// HTTP for the repository, with undici: kept connections, the proxy of the environment, no redirections, no time-outs of its own.
import type { Readable } from 'node:stream'
import { EnvHttpProxyAgent, request } from 'undici'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { HttpClient, HttpResponse } from '../../repository/http.ts'

export interface HttpClientOptions {
  /** Connections to one server. */
  readonly connections?: number
  readonly userAgent?: string
}

/** Of this computer itself nobody asks through a proxy. */
const NEVER_BY_PROXY = ['localhost', '127.0.0.1', '[::1]']

/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY are taken from the environment. */
export function proxyAgent(options: Omit<EnvHttpProxyAgent.Options, 'noProxy'>): EnvHttpProxyAgent {
  const { no_proxy, NO_PROXY } = process.env
  const noProxy = [no_proxy ?? NO_PROXY ?? '', ...NEVER_BY_PROXY].filter((host) => host !== '').join(',')
  return new EnvHttpProxyAgent({ ...options, noProxy })
}

/** One client for all repositories of a bench. */
export function httpClient(options: HttpClientOptions = {}): HttpClient {
  // Time-outs are the caller's: he knows how long what he waits for may take.
  const agent = proxyAgent({
    connections: options.connections ?? 8,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_MS },
  })
  const userAgent = options.userAgent ?? 'slotbench'
  return {
    async get(url, { signal, deadline, headers = {} }) {
      if (signal.aborted) throw abortError(signal)
      // One controller for the answer's whole life: headers in time, the body until it is cancelled.
      const stop = new AbortController()
      const slow = setTimeout(
        () => stop.abort(new SlotbenchError('repo-slow', `${url}: no answer in time`)),
        Math.min(deadline.remainingMs, MAX_TIMER),
      )
      const onAbort = () => stop.abort(abortError(signal))
      signal.addEventListener('abort', onAbort)
      const cancel = () => {
        signal.removeEventListener('abort', onAbort)
        stop.abort(new SlotbenchError('cancelled', 'the answer is no longer wanted'))
      }
      try {
        const answer = await request(url, {
          dispatcher: agent,
          signal: stop.signal,
          headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers },
        })
        answer.body.on('error', () => {})
        return responseOf(answer, { url, cancel })
      } catch (error) {
        signal.removeEventListener('abort', onAbort)
        throw networkError(error, url, stop.signal)
      } finally {
        clearTimeout(slow)
      }
    },
    close: () => agent.destroy(),
  }
}

const CONNECT_MS = 15_000
/** Timers of Node hold 31 bits. */
const MAX_TIMER = 2 ** 31 - 1

function responseOf(
  { statusCode, headers, body }: Awaited<ReturnType<typeof request>>,
  { url, cancel }: { readonly url: string; cancel(): void },
): HttpResponse {
  return {
    status: statusCode,
    header(name) {
      const value = headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    body: pieces(body, url),
    cancel,
  }
}

/** Bytes that may wait to be taken before the server is asked to pause. */
const WAITING = 512 * 1024

/** The pieces as they come. The stream's own iterator would join what has gathered, and copy all of it. */
async function* pieces(body: Readable, url: string): AsyncGenerator<Uint8Array, void, void> {
  const queue: Uint8Array[] = []
  let waiting = 0
  let ended = false
  let failure: unknown
  let wake = () => {}
  body.on('data', (piece: Uint8Array) => {
    queue.push(piece)
    waiting += piece.length
    if (waiting > WAITING) body.pause()
    wake()
  })
  const end = (error?: unknown) => {
    failure ??= error
    ended = true
    wake()
  }
  body.on('end', () => end())
  body.on('error', end)
  body.on('close', () => end(body.readableEnded ? undefined : new Error('the connection was closed')))
  try {
    for (;;) {
      const piece = queue.shift()
      if (piece !== undefined) {
        waiting -= piece.length
        if (waiting <= WAITING / 2) body.resume()
        yield piece
      } else if (ended) break
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    body.destroy()
  }
  if (failure !== undefined) throw networkError(failure, url)
}

function networkError(error: unknown, url: string, signal?: AbortSignal): SlotbenchError {
  if (error instanceof SlotbenchError) return error
  const reason: unknown = signal?.aborted ? signal.reason : undefined
  if (reason instanceof SlotbenchError) return reason
  const words = error instanceof Error ? error.message || error.name : String(error)
  return new SlotbenchError('repo-unreachable', `${url}: ${words}`, { cause: error })
}
