// Digests of a stream in a hash thread; several pieces may be on their way there and back.
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { type DigestResult, type DigestSpec, WHOLE } from '../../core/formats/stream-digests.ts'
import type { StreamHasher } from '../../core/workshop.ts'
import type { Piece, Reply, Request } from './messages.ts'
import { type Thread, transferable } from './thread.ts'

interface Waiting {
  resolve(reply: Reply): void
  reject(error: SlotbenchError): void
}

export class ThreadDigests {
  readonly #thread: Thread
  readonly #id: number
  /** Replies come in the order of the requests. */
  readonly #waiting: Waiting[] = []
  readonly #specs: readonly DigestSpec[]
  #begun = false
  #error: SlotbenchError | undefined
  #open = true

  constructor(thread: Thread, id: number, specs: readonly DigestSpec[]) {
    this.#thread = thread
    this.#id = id
    this.#specs = specs
    thread.begin(id, (reply) => this.#hear(reply))
  }

  /** Hands `bytes` to the thread and gives the same bytes back once they are counted. */
  async update(bytes: Piece): Promise<Piece> {
    const sent = transferable(bytes)
    const reply = await this.#ask({ kind: 'update', job: this.#id, bytes: sent }, [sent.buffer])
    if (reply.kind !== 'hashed' || reply.bytes === undefined) throw unexpected(reply)
    return reply.bytes
  }

  async fill(word: number, length: number): Promise<void> {
    await this.#ask({ kind: 'fill', job: this.#id, word, length })
  }

  /** What came of the specs, in their order; the thread has forgotten them then. */
  async results(): Promise<readonly DigestResult[]> {
    const reply = await this.#ask({ kind: 'digest', job: this.#id })
    if (reply.kind !== 'digests') throw unexpected(reply)
    this.close()
    return reply.results
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    const idle = this.#error !== undefined
    this.#fail(new SlotbenchError('cancelled', 'the hasher was closed'))
    this.#thread.end(this.#id)
    if (idle) return
    try {
      this.#thread.post({ kind: 'forget', job: this.#id })
    } catch {
      // A closed workshop has forgotten it already.
    }
  }

  #ask(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) {
        reject(this.#error)
        return
      }
      if (!this.#begun) this.#thread.post({ kind: 'begin', job: this.#id, specs: this.#specs })
      this.#begun = true
      this.#thread.post(request, transfer)
      this.#waiting.push({ resolve, reject })
    })
  }

  #hear(reply: Reply): void {
    if (reply.kind === 'failed') this.#fail(new SlotbenchError(reply.code, reply.detail))
    else this.#waiting.shift()?.resolve(reply)
  }

  #fail(error: SlotbenchError): void {
    this.#error ??= error
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#error)
  }
}

const SHA256: readonly DigestSpec[] = [{ kind: 'hash', algorithm: 'sha256', ranges: [WHOLE] }]

/** SHA-256 of all of a stream. */
export class ThreadHasher implements StreamHasher {
  readonly #digests: ThreadDigests

  constructor(thread: Thread, id: number) {
    this.#digests = new ThreadDigests(thread, id, SHA256)
  }

  update(bytes: Piece): Promise<Piece> {
    return this.#digests.update(bytes)
  }

  fill(word: number, length: number): Promise<void> {
    return this.#digests.fill(word, length)
  }

  async digest(): Promise<Sha256> {
    const [result] = await this.#digests.results()
    if (result?.kind !== 'hash') throw new SlotbenchError('internal', 'a hash thread gave no digest')
    return sha256(result.digest)
  }

  close(): void {
    this.#digests.close()
  }
}

function unexpected(reply: Reply): SlotbenchError {
  return new SlotbenchError('internal', `a hash was answered with ${reply.kind}`)
}
