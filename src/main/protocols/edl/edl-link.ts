// The pipes of a terminal in EDL as Sahara and Firehose both use them: reads that stay open, and bytes that can be given back.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { underDeadline } from '../../../shared/waiting.ts'
import type { PacketLink, Transport } from '../transport.ts'

type Chunk = Uint8Array<ArrayBuffer>

/** More than any packet of Sahara or document of Firehose, and a multiple of every packet size. */
const MESSAGE_BYTES = 16 * 1024

/** An open read holds the device, also against whoever opens it next. */
const KEPT_MS = 5_000

const links = new WeakMap<Transport, EdlLink>()

/** One link per transport: a read that Sahara left open is taken over by Firehose, so that nothing is read past anybody. */
export function edlLink(transport: Transport): EdlLink {
  const known = links.get(transport)
  if (known) return known
  const made = new EdlLink(transport)
  links.set(transport, made)
  return made
}

export class EdlLink {
  readonly #transport: Transport
  /** A read that ends by its time-out loses what had arrived (zte-domain §7), so waiting a short while does not end it. */
  #reading: Promise<Chunk> | undefined
  #given: Chunk[] = []

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get packets(): PacketLink | undefined {
    return this.#transport.packets
  }

  async send(data: Chunk, o: IoOptions): Promise<void> {
    await this.#transport.send(data, o)
  }

  /** The next transfer's worth.
   * @throws SlotbenchError `terminal-silent` at the deadline; the read then stays open for who asks next. */
  async next(o: IoOptions, maxBytes = MESSAGE_BYTES): Promise<Chunk> {
    return await this.#await(o, o, maxBytes)
  }

  /** What comes within `ms`, or undefined.
   * @param keep how long the read goes on for whoever asks next, ms. */
  async within(ms: number, o: IoOptions, keep = KEPT_MS): Promise<Chunk | undefined> {
    try {
      return await this.#await(limited(o, ms), limited(o, Math.max(ms, keep)), MESSAGE_BYTES)
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (error.code === 'terminal-silent' && !o.deadline.expired) return undefined
      throw error
    }
  }

  /** Opens the next read without waiting for it, so that the link works while the caller does. */
  readAhead(o: IoOptions, maxBytes: number): void {
    if (this.#given.length === 0) this.#open(o, maxBytes)
  }

  /** Gives bytes back; they are the next to be read. */
  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#given.unshift(new Uint8Array(bytes))
  }

  async close(): Promise<void> {
    await this.#transport.close()
  }

  async #await(o: IoOptions, whole: IoOptions, maxBytes: number): Promise<Chunk> {
    const given = this.#given.shift()
    if (given !== undefined) {
      if (given.length > maxBytes) this.unread(given.subarray(maxBytes))
      return given.slice(0, maxBytes)
    }
    for (;;) {
      const reading = this.#open(whole, maxBytes)
      try {
        const bytes = await underDeadline(reading, o, silent)
        this.#reading = undefined
        if (bytes.length > maxBytes) this.unread(bytes.subarray(maxBytes))
        return bytes.length > maxBytes ? bytes.slice(0, maxBytes) : bytes
      } catch (thrown) {
        const error = asSlotbenchError(thrown)
        // The open read had been given less time by an earlier caller.
        if (error.code !== 'terminal-silent' || o.deadline.expired) throw error
      }
    }
  }

  #open(o: IoOptions, maxBytes: number): Promise<Chunk> {
    if (this.#reading) return this.#reading
    const reading: Promise<Chunk> = this.#transport.receive(maxBytes, o)
    this.#reading = reading
    reading.catch(() => {
      if (this.#reading === reading) this.#reading = undefined
    })
    return reading
  }
}

/** At most `ms` from now, and never past what the caller allows. */
export function limited(o: IoOptions, ms: number): IoOptions {
  return { signal: o.signal, deadline: o.deadline.within(ms) }
}

const DEPARTURES: ReadonlySet<string> = new Set(['terminal-gone', 'usb-failed'])

/** Whether the terminal left, or is about to: the last transfer of one that goes may also just fail. */
export function isDeparture(error: SlotbenchError): boolean {
  return DEPARTURES.has(error.code)
}

function silent(): SlotbenchError {
  return new SlotbenchError('terminal-silent', 'the terminal said nothing in time')
}
