// One command at a time over a Transport: replies, the data phase both ways, and the rule that a failed exchange ends it all.
import { abortError, asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Transport } from '../transport.ts'
import { COMMAND_DEADLINES, type CommandKind } from './deadlines.ts'
import { fallIntoStep, HEEL_MS, nextWithin } from './in-step.ts'
import { type FastbootResponse, garbled, MAX_RESPONSE_BYTES, parseResponse } from './response.ts'
import { inTransfers, type Parts, TRANSFER_BYTES } from './transfers.ts'

/** What a terminal says while it works: INFO lines and raw TEXT. */
export interface FastbootMessage {
  readonly kind: 'info' | 'text'
  readonly text: string
}

export type MessageListener = (message: FastbootMessage) => void

/** The end of a command: what stood behind OKAY, and the INFO lines before it. */
export interface Okay {
  readonly text: string
  readonly infos: readonly string[]
}

type Final = Extract<FastbootResponse, { kind: 'okay' | 'fail' | 'data' }>

/** AOSP fastboot README; before 2020 it was 64. */
export const MAX_COMMAND_BYTES = 4096
const OLD_COMMAND_BYTES = 64
/** `getvar all` of a phone is a few hundred lines; a terminal that never stops is not fastboot. */
const MAX_MESSAGES = 20_000
/** A phone takes about a second from its OKAY to the end of its USB connection. */
const DEPARTURE_MS = 5_000
const DEPARTED: ReadonlySet<string> = new Set(['terminal-gone', 'usb-failed', 'network-failed'])

export class FastbootChannel {
  readonly #transport: Transport
  readonly #listener: MessageListener | undefined
  #failure: SlotbenchError | undefined
  #busy = false
  /** A command is out and its end has not come: whatever arrives next belongs to it. */
  #unanswered = false
  #used = false

  constructor(transport: Transport, listener?: MessageListener) {
    this.#transport = transport
    this.#listener = listener
  }

  /** Set once this connection can no longer be used. */
  get failure(): SlotbenchError | undefined {
    return this.#failure
  }

  /** Sends a command that has no data phase and waits for its end.
   * @throws SlotbenchError `terminal-refused` with the terminal's words on FAIL; `terminal-*` when the exchange broke. */
  async command(kind: CommandKind, command: string, o: IoOptions): Promise<Okay> {
    return await this.#exclusive(async () => {
      const { final, infos } = await this.#exchange(kind, command, o)
      return okayOf(command, final, infos)
    })
  }

  /** Sends a command followed by exactly `size` bytes from host to terminal.
   * @param parts must add up to `size`; they are sent in transfers of 1 MiB.
   * @param onSent bytes sent so far. */
  async send(
    command: string,
    payload: { readonly size: number; readonly parts: Parts },
    o: IoOptions & { readonly onSent?: (bytes: number) => void },
  ): Promise<Okay> {
    return await this.#exclusive(async () => {
      const { final } = await this.#exchange('download', command, o)
      if (final.kind === 'fail') throw refused(command, final.text)
      if (final.kind !== 'data') throw garbled(`${command} was answered with OKAY, not with DATA`)
      if (final.size !== payload.size)
        throw garbled(`${command} was answered with DATA for ${final.size} bytes`)
      await this.#sendAll(payload, o)
      const end = await this.#replies('download', command, o)
      return okayOf(command, end.final, end.infos)
    })
  }

  /** Sends a command whose data phase runs from terminal to host, and gives the bytes out as they come.
   * Leaving the loop early makes the connection unusable.
   * @param expected bytes that must be announced; undefined accepts what the terminal says. */
  async *receive(
    kind: 'fetch' | 'upload',
    command: string,
    o: IoOptions & { readonly expected?: number },
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    this.#enter()
    try {
      const { final } = await this.#exchange(kind, command, o)
      if (final.kind === 'fail') throw refused(command, final.text)
      // AOSP fastbootd answers OKAY without data for an empty partition.
      const size = final.kind === 'data' ? final.size : 0
      if (o.expected !== undefined && size !== o.expected)
        throw garbled(`${command} announces ${size} bytes instead of ${o.expected}`)
      yield* this.#receiveAll(size, o)
      if (final.kind === 'data') {
        const end = await this.#replies(kind, command, o)
        okayOf(command, end.final, end.infos)
      }
    } catch (thrown) {
      throw this.#judge(thrown)
    } finally {
      this.#busy = false
      if (this.#unanswered)
        this.#failure ??= new SlotbenchError('cancelled', `${command} was left before its end`)
    }
  }

  /** Throws away replies that an earlier program left behind. */
  async synchronise(o: IoOptions): Promise<void> {
    await this.#exclusive(async () => {
      this.#used = true
      this.#unanswered = true
      const { kind } = parseResponse(await fallIntoStep(this.#transport, limited(o, 'getvar')))
      if (kind !== 'okay' && kind !== 'fail') throw garbled(`a getvar was answered with ${kind}`)
      this.#unanswered = false
    })
  }

  /** Sends a command that ends the connection. Some terminals are gone before their OKAY is out, which is no failure. */
  async depart(kind: CommandKind, command: string, o: IoOptions): Promise<void> {
    await this.#exclusive(async () => {
      await this.#say(command, o)
      try {
        const { final, infos } = await this.#replies(kind, command, o)
        okayOf(command, final, infos)
      } catch (thrown) {
        if (!DEPARTED.has(asSlotbenchError(thrown).code)) throw thrown
        return
      }
      await this.#untilGone(o)
    })
    this.#failure = new SlotbenchError('terminal-gone', `the terminal was told: ${command}`)
  }

  async close(): Promise<void> {
    this.#failure ??= new SlotbenchError('terminal-gone', 'the connection was closed')
    await this.#transport.close()
  }

  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    this.#enter()
    try {
      return await work()
    } catch (thrown) {
      throw this.#judge(thrown)
    } finally {
      this.#busy = false
    }
  }

  #enter(): void {
    if (this.#failure)
      throw new SlotbenchError(
        this.#failure.code,
        `the connection was given up earlier: ${this.#failure.message}`,
        { cause: this.#failure },
      )
    if (this.#busy) throw new SlotbenchError('internal', 'a fastboot command is already under way')
    this.#busy = true
  }

  /** A FAIL is a whole answer and the next command may follow. An exchange that broke off leaves replies on their way
   * that would be taken for those of the next command, so the connection ends with it. */
  #judge(thrown: unknown): SlotbenchError {
    const error = asSlotbenchError(thrown)
    if (this.#unanswered || error.code === 'terminal-garbled') this.#failure ??= error
    return error
  }

  async #exchange(kind: CommandKind, command: string, o: IoOptions): Promise<Ending> {
    await this.#say(command, o)
    return await this.#replies(kind, command, o)
  }

  async #say(command: string, o: IoOptions): Promise<void> {
    const bytes = commandBytes(command)
    const limits = limited(o, 'transfer')
    // A second reply to the command before would be taken for the first to this one.
    if (this.#used && (await nextWithin(this.#transport, HEEL_MS, o)) !== undefined)
      throw garbled(`before ${command} the terminal said something that nobody had asked for`)
    this.#used = true
    this.#unanswered = true
    await this.#transport.send(bytes, limits)
  }

  async #replies(kind: CommandKind, command: string, o: IoOptions): Promise<Ending> {
    const infos: string[] = []
    for (let count = 0; count < MAX_MESSAGES; count++) {
      // One more than allowed, so that a reply that is too long is seen to be.
      const bytes = await this.#transport.receive(MAX_RESPONSE_BYTES + 1, limited(o, kind))
      const response = parseResponse(bytes)
      switch (response.kind) {
        case 'info':
          infos.push(response.text)
          this.#listener?.(response)
          break
        case 'text':
          this.#listener?.(response)
          break
        case 'okay':
        case 'fail':
          this.#unanswered = false
          return { final: response, infos }
        case 'data':
          return { final: response, infos }
        default:
          missingCase(response)
      }
    }
    throw garbled(`${command}: more than ${MAX_MESSAGES} messages without an end`)
  }

  async #sendAll(
    payload: { readonly size: number; readonly parts: Parts },
    o: IoOptions & { readonly onSent?: (bytes: number) => void },
  ): Promise<void> {
    let sent = 0
    for await (const transfer of inTransfers(payload.parts)) {
      if (sent + transfer.length > payload.size)
        throw new SlotbenchError('internal', `the data is longer than the ${payload.size} bytes announced`)
      await this.#transport.send(transfer, limited(o, 'transfer'))
      sent += transfer.length
      o.onSent?.(sent)
    }
    if (sent !== payload.size)
      throw new SlotbenchError('internal', `the data ended after ${sent} of ${payload.size} bytes announced`)
  }

  async *#receiveAll(size: number, o: IoOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    let left = size
    while (left > 0) {
      const bytes = await this.#transport.receive(Math.min(left, TRANSFER_BYTES), limited(o, 'transfer'))
      if (bytes.length === 0 || bytes.length > left) throw garbled('the data phase does not keep its size')
      left -= bytes.length
      yield bytes
    }
  }

  /** The OKAY comes before the terminal goes. Who returned at once would find it still attached, and talk to a ghost. */
  async #untilGone(o: IoOptions): Promise<void> {
    const deadline = o.deadline.within(DEPARTURE_MS)
    while (!deadline.expired) {
      try {
        await this.#transport.receive(MAX_RESPONSE_BYTES + 1, { signal: o.signal, deadline })
      } catch (thrown) {
        if (asSlotbenchError(thrown).code === 'cancelled') throw thrown
        return
      }
    }
  }
}

interface Ending {
  readonly final: Final
  readonly infos: readonly string[]
}

function limited(o: IoOptions, kind: CommandKind): IoOptions {
  if (o.signal.aborted) throw abortError(o.signal)
  return { signal: o.signal, deadline: o.deadline.within(COMMAND_DEADLINES[kind]) }
}

function okayOf(command: string, final: Final, infos: readonly string[]): Okay {
  switch (final.kind) {
    case 'okay':
      return { text: final.text, infos }
    case 'fail':
      throw refused(command, final.text)
    case 'data':
      throw garbled(`${command} was answered with DATA, but it has no data phase here`)
    default:
      return missingCase(final)
  }
}

/** What the terminal said with its FAIL, kept beside the sentence that is made of it. */
class Refusal {
  readonly words: string

  constructor(words: string) {
    this.words = words
  }
}

/** The terminal's own words where it refused a command; undefined for every other error. */
export function refusalWords(error: SlotbenchError): string | undefined {
  return error.cause instanceof Refusal ? error.cause.words : undefined
}

function refused(command: string, words: string): SlotbenchError {
  const hint =
    command.length > OLD_COMMAND_BYTES
      ? ` (the command has ${command.length} characters; old bootloaders read only ${OLD_COMMAND_BYTES})`
      : ''
  return new SlotbenchError(
    'terminal-refused',
    `${command}: ${words.trim() || 'refused without a word'}${hint}`,
    { cause: new Refusal(words.trim()) },
  )
}

function commandBytes(command: string): Uint8Array<ArrayBuffer> {
  if (!/^[\x20-\x7e]+$/.test(command))
    throw new SlotbenchError('usage', 'a fastboot command may only hold printable ASCII characters')
  if (command.length > MAX_COMMAND_BYTES)
    throw new SlotbenchError('usage', `a fastboot command may not be longer than ${MAX_COMMAND_BYTES} bytes`)
  return new TextEncoder().encode(command)
}
