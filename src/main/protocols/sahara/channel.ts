// Packets of Sahara over a link: joined where they arrive in pieces, parted where several arrive at once.
import type { IoOptions } from '../../../shared/io-options.ts'
import { joinBytes } from '../../core/formats/join-bytes.ts'
import { type EdlLink, limited } from '../edl/edl-link.ts'
import { decodePacket, garbled, packetLength, type SaharaPacket } from './packets.ts'

/** How long a terminal may keep silent, ms. */
export interface SaharaDeadlines {
  /** For the HELLO; after it we speak first (zte-domain §4.1 a). */
  readonly greeting: number
  /** For an answer to a packet. */
  readonly answer: number
  /** Between two requests for data: it digests and checks what it has. */
  readonly request: number
  /** For a write. */
  readonly write: number
}

export const SAHARA_DEADLINES: SaharaDeadlines = {
  greeting: 1_000,
  answer: 5_000,
  request: 10_000,
  write: 10_000,
}

/** A Firehose programmer that runs already says this first. */
const XML = new TextEncoder().encode('<?xml')
/** A packet comes in one transfer; a terminal that needs thousands for one is none. */
const MAX_CRUMBS = 5_000

/** What arrives where a packet of Sahara may. */
export type Heard = SaharaPacket | { readonly kind: 'xml' }

export class SaharaChannel {
  readonly #link: EdlLink
  readonly deadlines: SaharaDeadlines
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0)

  constructor(link: EdlLink, deadlines: SaharaDeadlines) {
    this.#link = link
    this.deadlines = deadlines
  }

  async send(data: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    await this.#link.send(data, limited(o, this.deadlines.write))
  }

  /** The next packet, or `xml` where Firehose speaks instead: what it said stays to be read.
   * @param ms how long the terminal may keep silent.
   * @throws SlotbenchError `terminal-silent`, `terminal-garbled`, `terminal-gone`. */
  async hear(o: IoOptions, ms = this.deadlines.answer): Promise<Heard> {
    const whole = limited(o, ms)
    return await this.#next(() => this.#link.next(whole))
  }

  /** As {@link hear}, but undefined after `quiet` ms of silence; the read then stays open. */
  async hearWithin(quiet: number, o: IoOptions): Promise<Heard | undefined> {
    return await this.#next(() => this.#link.within(quiet, o))
  }

  /** Exactly `length` bytes without a header, as EXECUTE_DATA brings them. */
  async raw(length: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    const whole = limited(o, this.deadlines.answer)
    for (let count = 0; count < MAX_CRUMBS && this.#buffer.length < length; count++)
      this.#buffer = joinBytes([this.#buffer, await this.#link.next(whole)])
    if (this.#buffer.length < length) throw garbled('the data comes in crumbs')
    const bytes = this.#buffer.slice(0, length)
    this.#buffer = this.#buffer.slice(length)
    return bytes
  }

  async #next(read: () => Promise<Uint8Array<ArrayBuffer>>): Promise<Heard>
  async #next(read: () => Promise<Uint8Array<ArrayBuffer> | undefined>): Promise<Heard | undefined>
  async #next(read: () => Promise<Uint8Array<ArrayBuffer> | undefined>): Promise<Heard | undefined> {
    for (let count = 0; count < MAX_CRUMBS; count++) {
      const heard = this.#take()
      if (heard !== undefined) return heard
      const bytes = await read()
      if (bytes === undefined) return undefined
      this.#buffer = this.#buffer.length === 0 ? bytes : joinBytes([this.#buffer, bytes])
    }
    throw garbled('the terminal sends nothing but crumbs')
  }

  #take(): Heard | undefined {
    const buffer = this.#buffer
    if (buffer.length === 0) return undefined
    if (startsLike(buffer, XML)) {
      if (buffer.length < XML.length) return undefined
      this.#link.unread(buffer)
      this.#buffer = new Uint8Array(0)
      return { kind: 'xml' }
    }
    const length = packetLength(buffer)
    if (length === undefined || buffer.length < length) return undefined
    this.#buffer = buffer.slice(length)
    return decodePacket(buffer.subarray(0, length))
  }
}

/** Whether one is the beginning of the other. */
function startsLike(bytes: Uint8Array, word: Uint8Array): boolean {
  return word.subarray(0, bytes.length).every((byte, index) => byte === bytes[index])
}
