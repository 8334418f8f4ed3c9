// The workshop on worker threads. Decoding fills every core; hashing has threads of its own, which the system's scheduler
// lets in between, so a stream that must be hashed never queues behind expansions that nobody waits for yet.
import { availableParallelism } from 'node:os'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { DigestSpec } from '../../core/formats/stream-digests.ts'
import type { DecodeJob, StreamDigester, StreamHasher, Workshop } from '../../core/workshop.ts'
import { decodeStream } from './decode-stream.ts'
import { LaneDigester, lanesOf } from './lane-digester.ts'
import type { DecodeSizes, Piece, Reply } from './messages.ts'
import { ThreadDigests, ThreadHasher } from './stream-hasher.ts'
import { leastLoaded, Thread, transferable } from './thread.ts'

export interface WorkshopOptions {
  /** Decode threads; as many as the machine has cores when left out. */
  readonly width?: number
  /** The threads' program, for hosts that bundle it elsewhere. */
  readonly worker?: URL
}

/** A job up to this size (input and output) goes to a thread and back in one message each way. */
const MAX_WHOLE_INPUT = 8 * 1024 * 1024
const MAX_WHOLE_OUTPUT = 16 * 1024 * 1024
/** Whole jobs given to one thread at a time: the second waits in its mailbox so that it never idles. */
const WHOLE_JOBS_PER_THREAD = 2
/** A stream that waits for one slow digest must not leave a core idle. */
const HASHERS_PER_CORE = 2

/** Threads start when they are first needed. */
export function createWorkshop(options: WorkshopOptions = {}): Workshop {
  return new ThreadWorkshop(options)
}

interface WholeJob {
  readonly input: Piece
  readonly sizes: DecodeSizes
  resolve(pieces: readonly Piece[]): void
  reject(error: SlotbenchError): void
}

class ThreadWorkshop implements Workshop {
  readonly width: number
  readonly #decoders: readonly Thread[]
  readonly #hashers: readonly Thread[]
  readonly #queue: WholeJob[] = []
  readonly #wholeJobs = new Map<Thread, number>()
  #nextJob = 1

  constructor(options: WorkshopOptions) {
    this.width = Math.max(1, options.width ?? availableParallelism())
    const url = options.worker ?? new URL('./decode-worker.ts', import.meta.url)
    this.#decoders = Array.from({ length: this.width }, () => new Thread(url))
    this.#hashers = Array.from({ length: this.width * HASHERS_PER_CORE }, () => new Thread(url))
  }

  async *decode(job: DecodeJob, signal: AbortSignal): AsyncGenerator<Piece> {
    if (signal.aborted) throw abortError(signal)
    const { codec, input, inputBytes, outputBytes, orLess = false, inputSha256 } = job
    const sizes = { codec, inputBytes, outputBytes, orLess, inputSha256 }
    if (input instanceof Uint8Array && input.length <= MAX_WHOLE_INPUT && outputBytes <= MAX_WHOLE_OUTPUT)
      yield* await this.#decodeWhole(input, sizes, signal)
    else yield* decodeStream(leastLoaded(this.#decoders), this.#nextJob++, { ...job, sizes }, signal)
  }

  async sha256(bytes: Piece): Promise<{ readonly bytes: Piece; readonly sha256: Sha256 }> {
    const hasher = this.hasher()
    try {
      const [returned, sha256] = await Promise.all([hasher.update(bytes), hasher.digest()])
      return { bytes: returned, sha256 }
    } finally {
      hasher.close()
    }
  }

  hasher(): StreamHasher {
    return new ThreadHasher(leastLoaded(this.#hashers), this.#nextJob++)
  }

  digester(specs: readonly DigestSpec[], size: number): StreamDigester {
    const begin = (part: readonly DigestSpec[]) =>
      new ThreadDigests(leastLoaded(this.#hashers), this.#nextJob++, part)
    return new LaneDigester(lanesOf(specs, size), begin)
  }

  async close(): Promise<void> {
    const error = new SlotbenchError('cancelled', 'the workshop was closed')
    for (const job of this.#queue.splice(0)) job.reject(error)
    await Promise.all([...this.#decoders, ...this.#hashers].map((thread) => thread.close()))
  }

  #decodeWhole(input: Piece, sizes: DecodeSizes, signal: AbortSignal): Promise<readonly Piece[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Piece[]>()
    const job: WholeJob = { input, sizes, resolve, reject }
    const onAbort = () => {
      const place = this.#queue.indexOf(job)
      if (place >= 0) this.#queue.splice(place, 1)
      // One that a thread has begun runs to its end there; nobody waits for it.
      reject(abortError(signal))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#queue.push(job)
    this.#dispatch()
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  #dispatch(): void {
    for (;;) {
      const free = this.#decoders.filter((thread) => this.#countOf(thread) < WHOLE_JOBS_PER_THREAD)
      if (free.length === 0) return
      const job = this.#queue.shift()
      if (job === undefined) return
      this.#run(leastLoaded(free), job)
    }
  }

  #countOf(thread: Thread): number {
    return this.#wholeJobs.get(thread) ?? 0
  }

  #run(thread: Thread, job: WholeJob): void {
    const id = this.#nextJob++
    const finish = (reply: Reply) => {
      thread.end(id)
      this.#wholeJobs.set(thread, this.#countOf(thread) - 1)
      if (reply.kind === 'decoded') job.resolve(reply.pieces)
      else if (reply.kind === 'failed') job.reject(new SlotbenchError(reply.code, reply.detail))
      else job.reject(new SlotbenchError('internal', `a decode job was answered with ${reply.kind}`))
      this.#dispatch()
    }
    this.#wholeJobs.set(thread, this.#countOf(thread) + 1)
    thread.begin(id, finish)
    const input = transferable(job.input)
    try {
      thread.post({ kind: 'decode', job: id, sizes: job.sizes, input }, [input.buffer])
    } catch (error) {
      finish({ kind: 'failed', job: id, code: 'cancelled', detail: String(error) })
    }
  }
}
