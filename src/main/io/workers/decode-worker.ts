// A thread of the workshop: answers requests to decode and to hash. Node runs this file as it is.
import { parentPort } from 'node:worker_threads'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { StreamDigests } from '../../core/formats/stream-digests.ts'
import { release } from '../../core/release.ts'
import { MAX_EXTENT_DATA } from '../../core/source.ts'
import type { DecodeSizes, Piece, Reply, Request } from './messages.ts'

const STREAM_PIECE = 1024 * 1024
/** Input pieces asked for ahead, so that reading and decoding overlap. */
const INPUT_AHEAD = 2

/** Threads that only hash never need the decoders, which take a tenth of a second and ten megabytes to load. */
const loadDecoder = () => import('./decode-job.ts')

const port = parentPort
if (port === null) throw new SlotbenchError('internal', 'decode-worker.ts runs as a worker thread only')

const digests = new Map<number, StreamDigests>()
const streams = new Map<number, Stream>()

port.on('message', (request: Request) => {
  try {
    answer(request)
  } catch (error) {
    fail(request.job, error)
  }
})

function answer(request: Request): void {
  switch (request.kind) {
    case 'decode':
      decodeWhole(request.job, request.sizes, request.input).catch((error: unknown) =>
        fail(request.job, error),
      )
      return
    case 'open': {
      const stream = new Stream(request.job, request.credit)
      streams.set(request.job, stream)
      stream
        .run(request.sizes)
        .catch((error: unknown) => fail(request.job, error))
        .finally(() => streams.delete(request.job))
      return
    }
    case 'input':
      streams.get(request.job)?.supply(request.bytes)
      return
    case 'credit':
      streams.get(request.job)?.allow()
      return
    case 'forget':
      digests.delete(request.job)
      streams.get(request.job)?.stop()
      return
    case 'begin':
      digests.set(request.job, new StreamDigests(request.specs))
      return
    case 'update':
      digestsOf(request.job).update(request.bytes)
      reply({ kind: 'hashed', job: request.job, bytes: request.bytes }, [request.bytes.buffer])
      return
    case 'fill':
      digestsOf(request.job).fill(request.word, request.length)
      reply({ kind: 'hashed', job: request.job, bytes: undefined })
      return
    case 'digest': {
      const results = digestsOf(request.job).results()
      digests.delete(request.job)
      reply({ kind: 'digests', job: request.job, results })
      return
    }
    default:
      missingCase(request)
  }
}

function digestsOf(job: number): StreamDigests {
  const known = digests.get(job)
  if (known === undefined) throw new SlotbenchError('internal', 'digests were asked for that were not begun')
  return known
}

async function decodeWhole(job: number, sizes: DecodeSizes, input: Piece): Promise<void> {
  let rest: Piece | undefined = input
  const pull = async () => {
    const part = rest
    rest = undefined
    return part
  }
  const pieces: Piece[] = []
  const { decodePieces } = await loadDecoder()
  for await (const piece of decodePieces(sizes, pull, MAX_EXTENT_DATA)) pieces.push(piece)
  release(input)
  reply(
    { kind: 'decoded', job, pieces },
    pieces.map((piece) => piece.buffer),
  )
}

/** A decode job whose input comes piece by piece and whose output leaves only as fast as it is asked for. */
class Stream {
  readonly #job: number
  readonly #input: (Piece | undefined)[] = []
  #credit: number
  #stopped = false
  /** Output waiting for credit and a decoder waiting for input may wait at the same time. */
  readonly #waiting: (() => void)[] = []

  constructor(job: number, credit: number) {
    this.#job = job
    this.#credit = credit
  }

  supply(bytes: Piece | undefined): void {
    this.#input.push(bytes)
    this.#wake()
  }

  allow(): void {
    this.#credit++
    this.#wake()
  }

  stop(): void {
    this.#stopped = true
    this.#wake()
  }

  async run(sizes: DecodeSizes): Promise<void> {
    const { decodePieces } = await loadDecoder()
    for (let i = 0; i < INPUT_AHEAD; i++) reply({ kind: 'need', job: this.#job })
    let ended = false
    const pull = async () => {
      if (ended) return undefined
      await this.#until(() => this.#input.length > 0)
      const part = this.#input.shift()
      if (part === undefined) ended = true
      else reply({ kind: 'need', job: this.#job })
      return part
    }
    for await (const piece of decodePieces(sizes, pull, STREAM_PIECE)) {
      await this.#until(() => this.#credit > 0)
      this.#credit--
      reply({ kind: 'piece', job: this.#job, bytes: piece }, [piece.buffer])
    }
    reply({ kind: 'end', job: this.#job })
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #until(ready: () => boolean): Promise<void> {
    while (!this.#stopped && !ready()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    if (this.#stopped) throw new SlotbenchError('cancelled', 'the job was forgotten')
  }
}

function fail(job: number, thrown: unknown): void {
  const error = asSlotbenchError(thrown)
  reply({ kind: 'failed', job, code: error.code, detail: error.message })
}

function reply(message: Reply, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, [...transfer])
}
