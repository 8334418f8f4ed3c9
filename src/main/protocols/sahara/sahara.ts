// From the first word of a boot ROM in EDL to a running loader: one type per state, so that no step can be taken twice or too early.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { edlLink, isDeparture } from '../edl/edl-link.ts'
import type { Transport } from '../transport.ts'
import { type Heard, SAHARA_DEADLINES, SaharaChannel, type SaharaDeadlines } from './channel.ts'
import { type ChipIdentity, readIdentity, UNKNOWN_CHIP } from './identity.ts'
import { memoryDebug } from './memory-debug.ts'
import { garbled, HOST_VERSION, helloResponse, MODE, reset, type SaharaMode, switchMode } from './packets.ts'
import { type SaharaImages, type TransferOptions, transferImages } from './transfer.ts'

export type { SaharaDeadlines } from './channel.ts'
export { type ChipIdentity, identityWords } from './identity.ts'
export { programmerImages, type SaharaImages, type TransferOptions } from './transfer.ts'

/** What stands behind the pipes. */
export type SaharaStart =
  | { readonly kind: 'sahara'; readonly sahara: SaharaIdentified }
  /** A Firehose programmer runs already. What it said is not lost: open it with `openFirehose` on the same transport and `attach`. */
  | { readonly kind: 'firehose' }

/** The boot ROM, identified and waiting. */
export interface SaharaIdentified {
  readonly identity: ChipIdentity
  /** Makes it ask for images. Consumes this state.
   * @throws SlotbenchError `edl-memory-debug`, `terminal-*`. */
  startTransfer(options: IoOptions): Promise<SaharaTransfer>
  /** Restarts the terminal. Consumes this state.
   * @throws SlotbenchError `terminal-refused` where the boot ROM does not do that. */
  restart(options: IoOptions): Promise<void>
  /** Steps back, so that whoever opens the terminal next is greeted as if nobody had been here. Consumes this state. Never throws. */
  leave(options: IoOptions): Promise<void>
}

/** The boot ROM asks for images. */
export interface SaharaTransfer {
  /** Gives it what it asks for. Consumes this state whatever the outcome: a second try without a fresh EDL overruns it (zte-domain §4.1 f).
   * @throws SlotbenchError `loader-not-accepted` and `loader-mismatch` with hardware ID and key hash, `terminal-*`. */
  send(images: SaharaImages, options: TransferOptions): Promise<SaharaDone>
}

/** The loader was taken and started. */
export interface SaharaDone {
  readonly identity: ChipIdentity
  /** The terminal is off the bus: its programmer comes up as a new device on the same bay, within some two seconds (zte-domain §0.3).
   * It may also leave after this was read; opening Firehose then says `terminal-gone`. */
  readonly left: boolean
}

export interface SaharaOptions {
  readonly deadlines?: Partial<SaharaDeadlines>
}

/** Greets the boot ROM and asks it who it is. Nothing is changed on the terminal.
 * @throws SlotbenchError `edl-memory-debug`; `terminal-silent` when even an unasked answer makes it say nothing. */
export async function openSahara(
  transport: Transport,
  io: IoOptions,
  options: SaharaOptions = {},
): Promise<SaharaStart> {
  const channel = new SaharaChannel(edlLink(transport), { ...SAHARA_DEADLINES, ...options.deadlines })
  const rom = new BootRom(channel)
  const heard = await rom.greetAnew(MODE.command, io)
  if (heard.kind === 'xml') return { kind: 'firehose' }
  return { kind: 'sahara', sahara: await identified(rom, heard, io) }
}

/** The greeting, both ways. */
class BootRom {
  readonly channel: SaharaChannel
  /** As the terminal announced it. */
  announced: number | undefined

  constructor(channel: SaharaChannel) {
    this.channel = channel
  }

  /** A boot ROM whose greeting was missed gets the version that all of them know (qdl). */
  get version(): number {
    return Math.min(HOST_VERSION, this.announced ?? 2)
  }

  /** Waits for its HELLO and answers it. A HELLO may have been eaten by somebody before us (zte-domain §4.1 a): then we answer unasked.
   * @returns what it says to that. */
  async greet(mode: SaharaMode, io: IoOptions): Promise<Heard> {
    const { channel } = this
    const heard = await channel.hearWithin(channel.deadlines.greeting, io)
    if (heard !== undefined && heard.kind !== 'hello') return this.#judge(heard)
    if (heard !== undefined) this.#note(heard)
    await this.answer(mode, io)
    const next = await this.#reaction(heard === undefined, io)
    if (next.kind !== 'hello') return this.#judge(next)
    // It was only late: what we said unasked went unheard, or was taken for an answer, and this one is the next greeting.
    this.#note(next)
    await this.answer(mode, io)
    return this.#judge(await this.#reaction(false, io))
  }

  /** As {@link greet}, also for a boot ROM that an earlier process left in command mode: it takes no greeting, and goes back to its own
   * when it is told to. */
  async greetAnew(mode: SaharaMode, io: IoOptions): Promise<Heard> {
    const heard = await this.greet(mode, io)
    if (heard.kind !== 'end-of-image' || this.announced !== undefined) return heard
    await this.channel.send(switchMode(MODE.imageTransfer), io)
    const next = await this.channel.hearWithin(this.channel.deadlines.greeting, io)
    if (next?.kind !== 'hello') return heard
    this.#note(next)
    await this.answer(mode, io)
    return this.#judge(await this.#reaction(false, io))
  }

  async answer(mode: SaharaMode, io: IoOptions): Promise<void> {
    await this.channel.send(helloResponse(this.version, mode), io)
  }

  async #reaction(unasked: boolean, io: IoOptions): Promise<Heard> {
    try {
      return await this.channel.hear(io)
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (error.code !== 'terminal-silent' || !unasked) throw error
      throw new SlotbenchError(
        'terminal-silent',
        'the terminal neither greets nor answers: it waits for the rest of something that an earlier program began, or hangs',
        { cause: error },
      )
    }
  }

  #note(hello: Extract<Heard, { kind: 'hello' }>): void {
    if (hello.mode === MODE.memoryDebug) throw memoryDebug()
    this.announced = hello.version
  }

  #judge(heard: Heard): Heard {
    if (heard.kind === 'memory-debug') throw memoryDebug()
    // The rest of one loader must not be made of another one.
    if (heard.kind === 'read' && heard.offset !== 0 && this.announced === undefined)
      throw new SlotbenchError(
        'terminal-wrong-mode',
        'the terminal is in the middle of taking a loader that an earlier program began to send',
      )
    return heard
  }
}

/** What a boot ROM that was asked for its command mode does: most grant it, some refuse, some ask for an image as if nothing was said. */
async function identified(rom: BootRom, heard: Heard, io: IoOptions): Promise<SaharaIdentified> {
  const unknown: ChipIdentity = { ...UNKNOWN_CHIP, protocolVersion: rom.announced }
  switch (heard.kind) {
    case 'command-ready':
      return new Identified(rom, await readIdentity(rom.channel, rom.announced, io), { mode: 'command' })
    case 'read':
      return new Identified(rom, unknown, { mode: 'asking', first: heard })
    case 'end-of-image':
      return new Identified(rom, unknown, { mode: 'refused' })
    default:
      throw garbled(`the boot ROM answered the greeting with ${heard.kind}`)
  }
}

type Standing =
  | { readonly mode: 'command' }
  | { readonly mode: 'asking'; readonly first: Heard }
  | { readonly mode: 'refused' }

class Identified implements SaharaIdentified {
  readonly identity: ChipIdentity
  readonly #rom: BootRom
  readonly #standing: Standing
  #consumed = false

  constructor(rom: BootRom, identity: ChipIdentity, standing: Standing) {
    this.#rom = rom
    this.identity = identity
    this.#standing = standing
  }

  async startTransfer(io: IoOptions): Promise<SaharaTransfer> {
    this.#consume()
    const rom = this.#rom
    const standing = this.#standing
    if (standing.mode === 'asking') return new Requests(rom, this.identity, standing.first)
    if (standing.mode === 'command') await rom.channel.send(switchMode(MODE.imageTransfer), io)
    const first = await rom.greet(MODE.imageTransfer, io)
    return new Requests(rom, this.identity, first)
  }

  async restart(io: IoOptions): Promise<void> {
    this.#consume()
    const { channel } = this.#rom
    try {
      await channel.send(reset(), io)
      const heard = await channel.hear(io)
      if (heard.kind !== 'reset-response')
        throw new SlotbenchError('terminal-refused', `the boot ROM answered a restart with ${heard.kind}`)
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (!isDeparture(error)) throw error
    }
  }

  async leave(io: IoOptions): Promise<void> {
    this.#consume()
    if (this.#standing.mode !== 'command') return
    await this.#rom.channel.send(switchMode(MODE.imageTransfer), io).catch(() => undefined)
  }

  #consume(): void {
    if (this.#consumed) throw used()
    this.#consumed = true
  }
}

class Requests implements SaharaTransfer {
  readonly #rom: BootRom
  readonly #identity: ChipIdentity
  readonly #first: Heard
  #consumed = false

  constructor(rom: BootRom, identity: ChipIdentity, first: Heard) {
    this.#rom = rom
    this.#identity = identity
    this.#first = first
  }

  async send(images: SaharaImages, options: TransferOptions): Promise<SaharaDone> {
    if (this.#consumed) throw used()
    this.#consumed = true
    const { channel, version } = this.#rom
    const plan = { channel, images, identity: this.#identity, version, first: this.#first }
    const { left } = await transferImages(plan, options)
    return { identity: this.#identity, left }
  }
}

function used(): SlotbenchError {
  return new SlotbenchError('internal', 'this state of the boot ROM was left already')
}
