// One request for a part of a file, and everything that is checked about the answer before a byte of it counts.
import { SlotbenchError } from '../../shared/errors.ts'
import { Deadline } from '../../shared/io-options.ts'
import { checkAnswer, type HttpClient, type HttpResponse, type Patience } from './http.ts'
import type { Mirror } from './mirrors.ts'

export interface ByteRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export interface PartResponse {
  /** The part that comes: the one asked for, or the whole file from a server that knows no parts. */
  readonly range: ByteRange
  readonly whole: boolean
  readonly response: HttpResponse
}

/** A server asks to be left alone for a while. */
export class RetryLater extends SlotbenchError {
  readonly seconds: number

  constructor(url: string, seconds: number) {
    super('repo-unreachable', `${url}: the server is busy`)
    this.seconds = seconds
  }
}

/** @param size of the whole file.
 * @throws SlotbenchError `repo-ranges`, `repo-changed`, `repo-incomplete`, `repo-wrong-data` and those of `checkAnswer`. */
export async function requestPart(
  http: HttpClient,
  mirror: Mirror,
  { range, size }: { readonly range: ByteRange; readonly size: number },
  { signal, patience }: { readonly signal: AbortSignal; readonly patience: Patience },
): Promise<PartResponse> {
  const conditional = mirror.etag
  const response = await http.get(mirror.url, {
    ...{ signal, deadline: Deadline.after(patience.headersMs) },
    headers: {
      range: `bytes=${range.start}-${range.end - 1}`,
      ...(conditional !== undefined && { 'if-range': conditional }),
    },
  })
  try {
    const part = partOf(response, mirror, { range, size })
    return { response, range: part, whole: response.status === 200 }
  } catch (error) {
    response.cancel()
    throw error
  }
}

function partOf(
  response: HttpResponse,
  mirror: Mirror,
  { range, size }: { readonly range: ByteRange; readonly size: number },
): ByteRange {
  const { status } = response
  const { url } = mirror
  if (status === 404 || status === 403) throw new SlotbenchError('repo-incomplete', `${url}: HTTP ${status}`)
  if (status === 416) throw new SlotbenchError('repo-changed', `${url} is shorter than it was published`)
  if (status === 429 || status === 503) throw new RetryLater(url, retryAfter(response))
  checkAnswer(response, url, [200, 206])
  const encoding = response.header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') throw new SlotbenchError('repo-wrong-data', `${url} comes as ${encoding}`)
  const etag = strong(response.header('etag'))
  if (mirror.etag !== undefined && etag !== mirror.etag)
    throw new SlotbenchError('repo-changed', `${url} had the tag ${mirror.etag}, now ${etag ?? 'none'}`)
  if (status === 206) {
    checkContentRange(response.header('content-range'), url, { range, size })
    mirror.etag = etag
    return range
  }
  // The whole file instead of a part: it has changed, if this server sent parts before.
  if (mirror.etag !== undefined) throw new SlotbenchError('repo-changed', `${url} is another file now`)
  const length = response.header('content-length')
  if (length !== undefined && Number(length) !== size)
    throw new SlotbenchError('repo-wrong-data', `${url} has ${length} bytes, ${size} were promised`)
  return { start: 0, end: size }
}

function checkContentRange(
  value: string | undefined,
  url: string,
  { range, size }: { readonly range: ByteRange; readonly size: number },
): void {
  const [, start, end, total] = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(value ?? '') ?? []
  if (total !== '*' && total !== undefined && Number(total) !== size)
    throw new SlotbenchError('repo-wrong-data', `${url} has ${total} bytes, ${size} were promised`)
  if (Number(start) === range.start && Number(end) === range.end - 1) return
  throw new SlotbenchError(
    'repo-ranges',
    `${url}: asked for bytes ${range.start}-${range.end - 1}, the server sends ${value ?? 'it does not say what'}`,
  )
}

/** Weak tags promise nothing about bytes. */
function strong(etag: string | undefined): string | undefined {
  return etag !== undefined && /^"[^"]*"$/.test(etag) ? etag : undefined
}

function retryAfter(response: HttpResponse): number {
  const seconds = Number(response.header('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0
}
