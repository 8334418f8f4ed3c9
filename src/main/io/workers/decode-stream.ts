// The workshop's end of a decode job that is too large for one message: credit in both directions bounds its memory.
import { abortError, asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { DecodeJob } from '../../core/workshop.ts'
import type { DecodeSizes, Piece, Reply } from './messages.ts'
import { type Thread, transferable } from './thread.ts'

/** Output pieces (1 MiB each) that may be on their way before the first is taken. */
const CREDIT = 2

export async function* decodeStream(
  thread: Thread,
  id: number,
  job: DecodeJob & { readonly sizes: DecodeSizes },
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const stream = new DecodeStream(thread, id, job)
  const onAbort = () => stream.fail(abortError(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    yield* stream.pieces()
  } finally {
    signal.removeEventListener('abort', onAbort)
    await stream.close()
  }
}

class DecodeStream {
  readonly #thread: Thread
  readonly #id: number
  readonly #job: DecodeJob & { readonly sizes: DecodeSizes }
  readonly #input: AsyncIterator<Piece>
  readonly #ready: Piece[] = []
  #feeding = Promise.resolve()
  #inputEnded = false
  #ended = false
  #error: SlotbenchError | undefined
  #wake: () => void = () => {}

  constructor(thread: Thread, id: number, job: DecodeJob & { readonly sizes: DecodeSizes }) {
    this.#thread = thread
    this.#id = id
    this.#job = job
    const { input } = job
    this.#input = (input instanceof Uint8Array ? once(input) : input)[Symbol.asyncIterator]()
  }

  async *pieces(): AsyncGenerator<Piece> {
    this.#thread.begin(this.#id, (reply) => this.#hear(reply))
    this.#thread.post({ kind: 'open', job: this.#id, sizes: this.#job.sizes, credit: CREDIT })
    for (;;) {
      if (this.#error !== undefined) throw this.#error
      const piece = this.#ready.shift()
      if (piece !== undefined) {
        yield piece
        if (this.#error === undefined) this.#thread.post({ kind: 'credit', job: this.#id })
      } else if (this.#ended) return
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }

  fail(error: SlotbenchError): void {
    this.#error ??= error
    this.#wake()
  }

  async close(): Promise<void> {
    const running = !this.#ended && this.#error?.code !== 'internal'
    this.fail(new SlotbenchError('cancelled', 'the reader stopped'))
    if (running) this.#forget()
    this.#thread.end(this.#id)
    await this.#feeding
    if (!this.#inputEnded) await this.#input.return?.().catch(() => {})
  }

  #forget(): void {
    try {
      this.#thread.post({ kind: 'forget', job: this.#id })
    } catch {
      // A closed workshop has forgotten it already.
    }
  }

  #hear(reply: Reply): void {
    switch (reply.kind) {
      case 'need':
        this.#feeding = this.#feeding.then(() => this.#feed())
        return
      case 'piece':
        this.#ready.push(reply.bytes)
        break
      case 'end':
        this.#ended = true
        break
      case 'failed':
        this.fail(new SlotbenchError(reply.code, reply.detail))
        break
      default:
        this.fail(new SlotbenchError('internal', `a decode job was answered with ${reply.kind}`))
    }
    this.#wake()
  }

  /** Never rejects: what goes wrong with the input is what goes wrong with the job. */
  async #feed(): Promise<void> {
    if (this.#error !== undefined || this.#inputEnded) return
    try {
      const next = await this.#input.next()
      if (next.done) this.#inputEnded = true
      if (this.#error !== undefined) return
      const bytes = next.done ? undefined : transferable(next.value)
      this.#thread.post({ kind: 'input', job: this.#id, bytes }, bytes === undefined ? [] : [bytes.buffer])
    } catch (error) {
      this.#inputEnded = true
      this.fail(asSlotbenchError(error))
    }
  }
}

async function* once(bytes: Piece): AsyncGenerator<Piece> {
  yield bytes
}
