// The data of a `program` command on its way to the storage: in payloads, without gaps, with an ear open for a refusal in the middle.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { underDeadline } from '../../../shared/waiting.ts'
import { limited } from '../edl/edl-link.ts'
import { inUnits, sendSteadily } from '../edl/steady.ts'
import { type Answer, type FirehoseChannel, lastWords } from './channel.ts'
import { garbled } from './xml.ts'

/** Where zero-length packets go. One ends the payload that the programmer is receiving, so one in the middle corrupts (zte-domain §4.2.6).
 * - `at-end`: one behind the very last byte, where both qdl and RedMagic 10 programmers have it. The default.
 * - `after-each-unit`: behind every whole payload as well, as qdl does.
 * - `none`: never. */
export type ZlpPolicy = 'at-end' | 'after-each-unit' | 'none'

/** Without empty packets between them the bounds of payloads do not show on the wire, and writes may hold several. */
const WRITE_BYTES = 4 * 1024 * 1024

export interface Payload {
  /** Bytes that follow, exactly. */
  readonly total: number
  readonly sectorSize: number
  readonly content: AsyncIterable<Uint8Array<ArrayBuffer>>
  /** Bytes that the programmer takes at a time. */
  readonly payloadBytes: number
  readonly zlp: ZlpPolicy
  /** How long one payload may take, ms. */
  readonly chunkMs: number
  /** Called with how much of it the terminal has taken. */
  readonly onSent?: (bytes: number) => void
}

/** Sends the data and waits for the response that ends it.
 * @throws SlotbenchError `terminal-refused` with the programmer's words where it refuses data in the middle. */
export async function sendPayload(channel: FirehoseChannel, payload: Payload, o: IoOptions): Promise<Answer> {
  const ear = new Ear(channel, o)
  try {
    await sendUnits(channel, payload, { ...o, ear })
  } catch (thrown) {
    const error = await ear.explain(thrown)
    // What the programmer now takes for data nobody knows, even where it said that it gives up.
    channel.end(error)
    throw error
  }
  const answer = await ear.hear()
  if (answer.ack && answer.raw) throw garbled('the programmer asks for more data than was announced')
  return answer
}

async function sendUnits(
  channel: FirehoseChannel,
  payload: Payload,
  o: IoOptions & { readonly ear: Ear },
): Promise<void> {
  const { link } = channel
  const { total, zlp } = payload
  const unit = unitBytes(payload)
  // The write before it may still be on the wire when this one is handed over.
  const limits = () => limited(o, 2 * payload.chunkMs)
  let sent = 0
  await sendSteadily(inUnits(exactly(payload.content, total), unit), async (piece) => {
    o.ear.mustBeSilent()
    const sending = link.send(piece, limits())
    const { packets } = link
    const isFull = packets !== undefined && piece.length % packets.size === 0
    const { length } = piece
    await (zlp === 'after-each-unit' && isFull
      ? Promise.all([sending, packets.sendEmpty(limits())])
      : sending)
    sent += length
    payload.onSent?.(sent)
  })
  const { packets } = link
  const last = total % unit === 0 ? unit : total % unit
  if (zlp === 'at-end' && packets !== undefined && last % packets.size === 0)
    await packets.sendEmpty(limits())
}

/** Whole sectors, as much as one payload holds; without marks between them, as many of those as make a large write. */
function unitBytes({ payloadBytes, sectorSize, zlp }: Payload): number {
  const unit = Math.max(1, Math.floor(payloadBytes / sectorSize)) * sectorSize
  return zlp === 'after-each-unit' ? unit : unit * Math.max(1, Math.floor(WRITE_BYTES / unit))
}

/** The content, as long as it was announced to be. */
async function* exactly(
  content: AsyncIterable<Uint8Array<ArrayBuffer>>,
  total: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let given = 0
  for await (const piece of content) {
    given += piece.length
    if (given > total)
      throw new SlotbenchError('internal', `the content is longer than the ${total} bytes announced`)
    yield piece
  }
  if (given !== total)
    throw new SlotbenchError('internal', `the content ended after ${given} of ${total} bytes announced`)
}

/** Hears the response that ends the data, from before the data begins: a programmer that gives up says so at once, and then takes nothing
 * more. */
class Ear {
  readonly #channel: FirehoseChannel
  readonly #o: IoOptions
  readonly #answer: Promise<Answer>
  #early: Answer | SlotbenchError | undefined
  #over = false

  constructor(channel: FirehoseChannel, o: IoOptions) {
    this.#channel = channel
    this.#o = o
    this.#answer = this.#listen()
    this.#answer.then(
      (answer) => {
        this.#early = answer
      },
      (thrown: unknown) => {
        this.#early = asSlotbenchError(thrown)
      },
    )
  }

  /** @throws SlotbenchError when the programmer answered before it had everything. */
  mustBeSilent(): void {
    const early = this.#early
    if (early === undefined) return
    throw early instanceof SlotbenchError ? early : tooEarly(early)
  }

  /** What broke the transfer: the programmer's own word on it, where it has one. */
  async explain(thrown: unknown): Promise<SlotbenchError> {
    const error = asSlotbenchError(thrown)
    this.#over = true
    if (this.#early === undefined && error.code.startsWith('terminal-'))
      await this.#within(this.#channel.deadlines.lastWords).catch(() => undefined)
    const early = this.#early
    if (early === undefined || early instanceof SlotbenchError) return error
    return tooEarly(early, error)
  }

  /** The response, once all is sent; the time starts again with every word. */
  async hear(): Promise<Answer> {
    for (;;) {
      const { words } = this.#channel
      try {
        return await this.#within(this.#channel.deadlines.finalAck)
      } catch (thrown) {
        const error = asSlotbenchError(thrown)
        const goesOn = error.code === 'terminal-silent' && this.#channel.words !== words
        if (goesOn && !this.#o.deadline.expired && this.#early === undefined) continue
        this.#over = true
        throw error
      }
    }
  }

  /** As long as data goes out there is nothing to say, so silence is no reason to stop. */
  async #listen(): Promise<Answer> {
    for (;;) {
      try {
        return await this.#channel.answer(this.#o, this.#channel.deadlines.ear)
      } catch (thrown) {
        const error = asSlotbenchError(thrown)
        if (error.code !== 'terminal-silent' || this.#over || this.#o.deadline.expired) throw error
      }
    }
  }

  async #within(ms: number): Promise<Answer> {
    const limits = {
      signal: this.#o.signal,
      deadline: Deadline.after(Math.min(ms, this.#o.deadline.remainingMs)),
    }
    return await underDeadline(this.#answer, limits, () => this.#silent())
  }

  #silent(): SlotbenchError {
    const words = lastWords(this.#channel.logs)
    const heard = words === '' ? '' : `; it said last: ${words}`
    return new SlotbenchError('terminal-silent', `the programmer does not confirm what it was sent${heard}`)
  }
}

function tooEarly(answer: Answer, cause?: SlotbenchError): SlotbenchError {
  if (answer.ack) return garbled('the programmer confirmed data before it had all of it', { cause })
  const words = lastWords(answer.logs)
  return new SlotbenchError(
    'terminal-refused',
    words === '' ? 'the programmer refused the data without a word' : words,
    { cause },
  )
}
