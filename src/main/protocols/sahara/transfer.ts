// The boot ROM takes its loader: it asks for ranges of images, and we give them until it says that it has enough.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { ByteSource } from '../../core/source.ts'
import { isDeparture } from '../edl/edl-link.ts'
import { sendSteadily } from '../edl/steady.ts'
import type { Heard, SaharaChannel } from './channel.ts'
import { type ChipIdentity, identityWords } from './identity.ts'
import { memoryDebug } from './memory-debug.ts'
import { done, garbled, helloResponse, MODE, type SaharaPacket } from './packets.ts'
import { statusWords } from './statuses.ts'

/** Images by the id that a boot ROM asks with. Most ask for one; some SoCs want several. */
export type SaharaImages = ReadonlyMap<number, ByteSource>

/** Ids of the programmer itself, by generation: NAND, eMMC, Firehose (zte-domain §4.1). */
const PROGRAMMER_IDS = [0x07, 0x0b, 0x0d] as const

/** The images of a terminal that needs nothing but its programmer. */
export function programmerImages(loader: ByteSource): SaharaImages {
  return new Map(PROGRAMMER_IDS.map((id) => [id, loader]))
}

export interface TransferOptions extends IoOptions {
  /** Bytes given to the terminal so far. It does not take all of a file, and some of it twice. */
  readonly onSent?: (bytes: number) => void
}

/** Sent in pieces of this, the next one read meanwhile. */
const PIECE_BYTES = 1024 * 1024
/** A boot ROM reads whole sectors; what lies beyond the end by less than the larger sector is filled up. */
const PADDING_BYTES = 4096
const PADDING = 0xff
/** A boot ROM that asks for more than this is not loading an image. */
const MAX_READINGS = 8
const MAX_REQUESTS = 100_000

type Read = Extract<SaharaPacket, { kind: 'read' }>

export interface TransferPlan {
  readonly channel: SaharaChannel
  readonly images: SaharaImages
  readonly identity: ChipIdentity
  readonly version: number
  /** A request that was heard already. */
  readonly first: Heard | undefined
}

/** Serves requests until the terminal has what it wants.
 * @returns whether the terminal left the bus already, which some do to come back with their programmer.
 * @throws SlotbenchError `loader-not-accepted`, `loader-mismatch`, `edl-memory-debug`, `terminal-*`, errors of the images. */
export async function transferImages(plan: TransferPlan, o: TransferOptions): Promise<{ left: boolean }> {
  return await new Transfer(plan, o).run()
}

class Transfer {
  readonly #plan: TransferPlan
  readonly #o: TransferOptions
  readonly #limit: number
  readonly #asked = new Set<ByteSource>()
  #sent = 0
  #heard: Heard | undefined

  constructor(plan: TransferPlan, o: TransferOptions) {
    this.#plan = plan
    this.#o = o
    this.#heard = plan.first
    const all = [...new Set(plan.images.values())].reduce((sum, { size }) => sum + size, 0)
    this.#limit = MAX_READINGS * all + PIECE_BYTES
  }

  async run(): Promise<{ left: boolean }> {
    for (let count = 0; count < MAX_REQUESTS; count++) {
      const heard = this.#heard ?? (await this.#hear())
      this.#heard = undefined
      switch (heard.kind) {
        case 'read':
          await this.#serve(heard)
          break
        case 'hello':
          // It greets anew before each further image.
          if (heard.mode === MODE.memoryDebug) throw memoryDebug()
          await this.#plan.channel.send(helloResponse(this.#plan.version, MODE.imageTransfer), this.#o)
          break
        case 'end-of-image': {
          const end = await this.#endOfImage(heard.status)
          if (end !== 'more') return { left: end === 'left' }
          break
        }
        case 'xml':
          return { left: false }
        case 'memory-debug':
          throw memoryDebug()
        case 'done-response':
        case 'command-ready':
        case 'execute-response':
        case 'reset-response':
          throw garbled(`the terminal says ${heard.kind} while it should load an image`)
        default:
          missingCase(heard)
      }
    }
    throw garbled(`the terminal asked ${MAX_REQUESTS} times and has not had enough`)
  }

  async #serve({ image, offset, length }: Read): Promise<void> {
    const { images, identity } = this.#plan
    const source = images.get(image)
    if (source === undefined)
      throw new SlotbenchError(
        'loader-mismatch',
        `the terminal asks for an image with id 0x${image.toString(16)}, which this set of loaders lacks (${identityWords(identity)})`,
      )
    if (length === 0 || offset + length > source.size + PADDING_BYTES || offset > source.size)
      throw new SlotbenchError(
        'loader-mismatch',
        `the terminal asks for ${length} bytes from ${offset}, but ${source.name} has ${source.size}`,
        { context: { file: source.name } },
      )
    this.#asked.add(source)
    if (this.#sent + length > this.#limit)
      throw garbled('the terminal asks for the same data again and again')
    await sendSteadily(rangeOf(source, offset, length, this.#o.signal), async (piece) => {
      await this.#plan.channel.send(piece, this.#o)
      this.#sent += piece.length
      this.#o.onSent?.(this.#sent)
    })
  }

  /** @returns whether there is more to send. */
  async #endOfImage(status: number): Promise<'more' | 'complete' | 'left'> {
    const { channel } = this.#plan
    if (status !== 0 && this.#sent === 0)
      throw new SlotbenchError(
        'terminal-wrong-mode',
        `the boot ROM does not begin to load: ${statusWords(status)}`,
      )
    if (status !== 0) throw this.#notAccepted(statusWords(status))
    await channel.send(done(), this.#o)
    try {
      const heard = await channel.hear(this.#o, channel.deadlines.request)
      if (heard.kind === 'xml') return 'complete'
      if (heard.kind !== 'done-response') throw garbled(`DONE was answered with ${heard.kind}`)
      if (heard.complete) return 'complete'
      return await this.#more()
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      // RedMagic 10 re-enumerates at this point (zte-domain §0.3).
      if (isDeparture(error)) return 'left'
      throw error
    }
  }

  /** The terminal says that more images are pending, and chips of the MSM8916 age say so after their only one (qdl). */
  async #more(): Promise<'more' | 'complete'> {
    const { channel, images } = this.#plan
    const all = [...new Set(images.values())].every((source) => this.#asked.has(source))
    if (!all) return 'more'
    this.#heard = await channel.hearWithin(channel.deadlines.greeting, this.#o)
    return this.#heard === undefined || this.#heard.kind === 'xml' ? 'complete' : 'more'
  }

  /** A wrong loader shows no status on most terminals: they read it and then go mute or leave (zte-domain §4.1 e). */
  async #hear(): Promise<Heard> {
    const { channel } = this.#plan
    try {
      return await channel.hear(this.#o, channel.deadlines.request)
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      const isMute = error.code === 'terminal-silent' && !this.#o.deadline.expired
      if (this.#sent === 0 || !(isMute || isDeparture(error))) throw error
      const how = isMute ? 'says nothing more' : 'has left the bus'
      throw this.#notAccepted(`it read ${this.#sent} bytes of it and ${how}`, error)
    }
  }

  #notAccepted(why: string, cause?: SlotbenchError): SlotbenchError {
    return new SlotbenchError(
      'loader-not-accepted',
      `the terminal does not start this loader: ${why} (${identityWords(this.#plan.identity)})`,
      { cause },
    )
  }
}

/** The range in pieces, each read while the one before it is sent; filled up beyond the end. */
async function* rangeOf(
  source: ByteSource,
  offset: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const inside = Math.max(0, Math.min(length, source.size - offset))
  for (let at = 0; at < inside; at += PIECE_BYTES) {
    const size = Math.min(PIECE_BYTES, inside - at)
    const piece = await source.read(offset + at, size, signal)
    const isLast = at + size === inside
    yield isLast && inside < length ? padded(piece, length - inside) : piece
  }
  if (inside === 0) yield new Uint8Array(length).fill(PADDING)
}

function padded(piece: Uint8Array, more: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(piece.length + more).fill(PADDING)
  whole.set(piece)
  return whole
}
