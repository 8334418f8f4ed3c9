// Fetches what is missing of a file, chunk by chunk: from files at hand, then from servers, each chunk checked as it arrives.
// Memory is bounded by the connections; whatever ends the program, the next run goes on from what the journal proved.
import { hash } from 'node:crypto'
import { abortError, asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'
import type { ByteSource } from '../core/source.ts'
import type { ChunkIndex } from './chunk-index.ts'
import { type ChunkRun, ChunkRuns } from './chunk-runs.ts'
import { ChunkSet } from './chunk-set.ts'
import { type HttpClient, PATIENCE, type Patience, patiently } from './http.ts'
import { BACK_OFF, type BackOff, type Mirror, Mirrors } from './mirrors.ts'
import type { PartialFile, Seed } from './partial-file.ts'
import { RetryLater, requestPart } from './range-request.ts'
import { receiveChunks } from './receive-chunks.ts'

export interface DownloadProgress {
  /** Bytes of the file that are there. */
  readonly done: number
  readonly total: number
  /** Of those: copied from files at hand, and received, since this run began. */
  readonly copied: number
  readonly received: number
}

export interface DownloadOptions {
  readonly signal: AbortSignal
  readonly onProgress?: (progress: DownloadProgress) => void
  /** Called when the file is there without a gap up to byte `end`. */
  readonly onPrefix?: (end: number) => void
  /** A server failed; it is asked again later, or another one is. */
  readonly onTrouble?: (error: SlotbenchError) => void
  readonly connections?: number
  readonly patience?: Patience
  readonly backOff?: BackOff
}

export interface DownloadJob {
  readonly index: ChunkIndex
  /** Addresses of the file, the preferred one first. */
  readonly urls: readonly string[]
  readonly file: PartialFile
  readonly http: HttpClient
  /** Looked through in order, until nothing is missing. */
  seeds(): AsyncIterable<Seed>
}

export interface DownloadResult {
  readonly copied: number
  /** Bytes of the file that came over the network, those thrown away included. */
  readonly received: number
  /** Bytes that were there from an earlier run. */
  readonly resumed: number
}

const CONNECTIONS = 4
/** Most bytes of one request: small enough to share the work out, large enough that requests cost nothing. */
const SEGMENT = 8 * 1024 * 1024
/** What a kill may cost: the journal is written after so many bytes, or milliseconds. */
const SAVE_EVERY = 32 * 1024 * 1024
const SAVE_EVERY_MS = 2_000
/** Left free for everything else on the disk. */
const RESERVE = 32 * 1024 * 1024

/** Completes `job.file`. Its chunks are proven then; the digest of the whole file is the caller's last check.
 * @throws SlotbenchError `host-space` (what is there stays), `cancelled`, and the errors of the last server that is left. */
export async function download(job: DownloadJob, options: DownloadOptions): Promise<DownloadResult> {
  const work = new Download(job, options)
  try {
    await work.copySeeds()
    await work.checkSpace()
    await work.fetch()
  } catch (error) {
    // What is there is worth keeping; the first error is the one that tells.
    await work.save().catch(() => {})
    throw error
  }
  await work.save()
  return work.result
}

class Download {
  readonly #job: DownloadJob
  readonly #options: DownloadOptions
  /** In the file and checked; the journal may not know them yet. */
  readonly #done: ChunkSet
  /** Numbers of the missing chunks by digest: equal chunks are fetched once. */
  readonly #missing = new Map<string, number[]>()
  #unsaved = 0
  #savedAt = performance.now()
  #saving: Promise<void> = Promise.resolve()
  #bytes = 0
  /** Number of the first chunk that is not there. */
  #prefix = 0
  #copied = 0
  #received = 0
  readonly #resumed: number

  constructor(job: DownloadJob, options: DownloadOptions) {
    this.#job = job
    this.#options = options
    const { index, file } = job
    this.#done = new ChunkSet(index.count, file.proven.bits)
    for (let i = 0; i < index.count; i++) {
      const { sha256, length } = index.chunk(i)
      if (this.#done.has(i)) this.#bytes += length
      else if (!this.#missing.get(sha256)?.push(i)) this.#missing.set(sha256, [i])
    }
    this.#resumed = this.#bytes
    this.#report()
  }

  get result(): DownloadResult {
    return { copied: this.#copied, received: this.#received, resumed: this.#resumed }
  }

  async copySeeds(): Promise<void> {
    const { index, file } = this.#job
    const self: Pick<ByteSource, 'read'> = {
      read: (offset, length) => file.read(offset, length, this.#options.signal),
    }
    await this.#copyFrom(index, self, (i) => this.#done.has(i))
    if (this.#missing.size === 0) return
    for await (const seed of this.#job.seeds()) {
      await this.#copyFrom(seed.index, seed.source, () => true)
      if (this.#missing.size === 0) return
    }
  }

  async #copyFrom(
    index: ChunkIndex,
    source: Pick<ByteSource, 'read'>,
    there: (i: number) => boolean,
  ): Promise<void> {
    for (let i = 0; i < index.count; i++) {
      const chunk = index.chunk(i)
      if (!this.#missing.has(chunk.sha256) || !there(i)) continue
      if (this.#options.signal.aborted) throw abortError(this.#options.signal)
      // A seed is trusted no more than a server: it may have been spoilt since.
      const content = await source
        .read(chunk.offset, chunk.length, this.#options.signal)
        .catch(() => undefined)
      if (content === undefined || hash('sha256', content) !== chunk.sha256) continue
      const places = this.#missing.get(chunk.sha256) ?? []
      const wanted = this.#job.index.chunk(places[0] ?? 0)
      this.#copied += await this.#put({ chunks: [wanted], content })
    }
  }

  async checkSpace(): Promise<void> {
    let needed = 0
    for (const [, numbers] of this.#missing)
      needed += numbers.length * this.#job.index.chunk(numbers[0] ?? 0).length
    if (needed === 0) return
    const free = await this.#job.file.freeBytes()
    if (free < needed + RESERVE)
      throw new SlotbenchError(
        'host-space',
        `${needed + RESERVE} bytes are needed for the download, ${free} are free`,
      )
  }

  async fetch(): Promise<void> {
    if (this.#missing.size === 0) return
    const { signal, connections = CONNECTIONS, backOff = BACK_OFF } = this.#options
    const stop = new AbortController()
    const mirrors = new Mirrors(this.#job.urls, backOff)
    const segments = this.#segments()
    const context = { mirrors, segments, signal: AbortSignal.any([signal, stop.signal]) }
    const failures: unknown[] = []
    const lane = async () => {
      try {
        await this.#lane(context)
      } catch (error) {
        failures.push(error)
        stop.abort(asSlotbenchError(error))
      } finally {
        mirrors.wake()
      }
    }
    await Promise.all(Array.from({ length: connections }, lane))
    if (failures.length > 0) throw signal.aborted ? abortError(signal) : failures[0]
  }

  /** Runs of missing chunks that lie side by side, the first place of each digest. */
  #segments(): number[][] {
    const { index } = this.#job
    const segments: number[][] = []
    let bytes = 0
    let last = -2
    for (const first of [...this.#missing.values()].map(([i = 0]) => i).sort((a, b) => a - b)) {
      const { length } = index.chunk(first)
      if (first !== last + 1 || bytes + length > SEGMENT) {
        segments.push([])
        bytes = 0
      }
      segments.at(-1)?.push(first)
      bytes += length
      last = first
    }
    return segments.reverse()
  }

  async #lane({ mirrors, segments, signal }: LaneContext): Promise<void> {
    const runs = new ChunkRuns((run) => this.#put(run))
    while (this.#missing.size > 0) {
      const segment = segments.pop()?.filter((i) => !this.#done.has(i))
      if (segment === undefined) {
        // Others fetch what is left; should one of them fail, it comes back.
        if (signal.aborted) throw abortError(signal)
        await mirrors.changed(signal)
        continue
      }
      if (segment.length === 0) continue
      const mirror = await mirrors.take(signal)
      try {
        await this.#fetchSegment(segment, mirror, { mirrors, segments, signal, runs })
      } finally {
        const left = segment.filter((i) => !this.#done.has(i))
        if (left.length > 0) segments.push(left)
        mirrors.wake()
      }
    }
  }

  /** Whatever of it does not come stays missing.
   * @throws SlotbenchError only for what is not the server's fault. */
  async #fetchSegment(segment: number[], mirror: Mirror, { mirrors, signal, runs }: Lane): Promise<void> {
    const [first, last] = [segment[0], segment.at(-1)]
    if (first === undefined || last === undefined) return
    const { index, http } = this.#job
    const end = index.chunk(last)
    const range = { start: index.chunk(first).offset, end: end.offset + end.length }
    const patience = this.#options.patience ?? PATIENCE
    try {
      const part = await requestPart(http, mirror, { range, size: index.size }, { signal, patience })
      if ((part.whole && mirror.streaming) || this.#missing.size === 0) return part.response.cancel()
      mirror.streaming = part.whole
      try {
        const body = patiently(part.response, patience, signal)
        await receiveChunks(body, {
          ...{ index, range: part.range, url: mirror.url, runs },
          wanted: ({ sha256 }) => this.#missing.has(sha256),
          complete: () => this.#missing.size === 0,
          onBytes: (count) => {
            this.#received += count
          },
          onGood: () => mirrors.succeeded(mirror),
        })
      } finally {
        if (part.whole) mirror.streaming = false
      }
    } catch (error) {
      const known = asSlotbenchError(error)
      if (signal.aborted || !known.code.startsWith('repo-')) throw error
      this.#options.onTrouble?.(known)
      mirrors.failed(mirror, known, known instanceof RetryLater ? known.seconds : 0)
    }
  }

  /** Writes checked chunks that lie side by side, and whatever else of the file is equal to one of them. @returns the bytes written. */
  async #put({ chunks, content }: ChunkRun): Promise<number> {
    const { file, index } = this.#job
    const [first] = chunks
    if (first === undefined) return 0
    // At once: a server that sends the whole file may bring them a second time meanwhile.
    const places = chunks.map(({ sha256 }) => {
      const numbers = this.#missing.get(sha256) ?? []
      this.#missing.delete(sha256)
      return numbers
    })
    await file.write(first.offset, content)
    let bytes = 0
    for (const [i, { offset, length }] of chunks.entries()) {
      for (const number of places[i] ?? []) {
        const at = index.chunk(number).offset
        if (at !== offset) {
          const from = offset - first.offset
          await file.write(at, content.subarray(from, from + length))
        }
        this.#done.add(number)
        bytes += length
      }
    }
    this.#bytes += bytes
    this.#unsaved += bytes
    this.#report()
    if (this.#unsaved >= SAVE_EVERY || performance.now() - this.#savedAt >= SAVE_EVERY_MS) await this.save()
    return bytes
  }

  /** One at a time; a lane that comes meanwhile waits, so that no more than this is ever unsaved. */
  save(): Promise<void> {
    this.#unsaved = 0
    this.#savedAt = performance.now()
    const proven = new ChunkSet(this.#done.count, this.#done.bits)
    this.#saving = this.#saving.catch(() => {}).then(() => this.#job.file.save(proven))
    return this.#saving
  }

  #report(): void {
    const before = this.#prefix
    while (this.#prefix < this.#done.count && this.#done.has(this.#prefix)) this.#prefix++
    if (this.#prefix > before) {
      const { offset, length } = this.#job.index.chunk(this.#prefix - 1)
      this.#options.onPrefix?.(offset + length)
    }
    this.#options.onProgress?.({
      ...{ done: this.#bytes, total: this.#job.index.size },
      ...{ copied: this.#copied, received: this.#received },
    })
  }
}

interface LaneContext {
  readonly mirrors: Mirrors
  /** Numbers of chunks side by side; the last one is next. */
  readonly segments: number[][]
  readonly signal: AbortSignal
}

interface Lane extends LaneContext {
  readonly runs: ChunkRuns
}
