// The line to one host in EDL, with whatever faults are planned: both protocols read, write and answer through it.
import type { CommandFaults, FaultInjector } from '../fault-injector.ts'
import type { DocumentsFault, ReplyFault } from '../faults.ts'
import { LinkLost } from '../host-link.ts'
import type { BulkLink } from './bulk-link.ts'

/** What is told to the terminal around it. */
export interface WireEvents {
  command(text: string): void
  reply(text: string): void
  /** A planned power cut strikes now. */
  powerCut(): void
}

/** Thrown when a planned fault ends the conversation. */
export class Struck extends Error {
  readonly ending: 'link-lost' | 'power-lost'
  constructor(ending: Struck['ending']) {
    super('a planned fault struck')
    this.ending = ending
  }
}

export class Wire {
  readonly #link: BulkLink
  readonly #events: WireEvents
  readonly #injector: () => FaultInjector

  constructor(link: BulkLink, events: WireEvents, injector: () => FaultInjector) {
    this.#link = link
    this.#events = events
    this.#injector = injector
  }

  get packetBytes(): number {
    return this.#link.packetBytes
  }

  get injector(): FaultInjector {
    return this.#injector()
  }

  get documents(): DocumentsFault['how'] | undefined {
    return this.injector.documents
  }

  /** One posted read.
   * @throws LinkLost. */
  async read(bytes: number, into?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return this.#guarded(this.#link.read(bytes, into))
  }

  /** One posted read of raw data, which faults count. */
  async readData(bytes: number, into?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const got = await this.read(bytes, into)
    if (got.length > 0) await this.strike(this.injector.download(got.length))
    return got
  }

  /** One transfer. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { fault, sent } = this.injector.upload(bytes.length)
    if (fault === undefined) return this.#guarded(this.#link.write(bytes))
    if (sent > 0) await this.#guarded(this.#link.write(bytes.subarray(0, sent)))
    await this.strike(fault)
  }

  /** Silence until the host is gone: nothing is read any more.
   * @throws LinkLost. */
  async mute(): Promise<never> {
    await this.#link.gone
    throw new LinkLost('the host is gone')
  }

  /** Counts a command, tells of it, and lets what is planned before it strike. */
  async begin(command: string): Promise<CommandFaults> {
    const { injector } = this
    const faults = injector.command(command)
    this.#events.command(command)
    injector.hooks.onCommand?.(command, injector.commands)
    await this.strike(faults.before)
    return faults
  }

  /** To be called when a command is executed and before its answer is sent. */
  async executed(command: string, faults: CommandFaults): Promise<void> {
    const { injector } = this
    injector.hooks.onCommandDone?.(command, injector.commands)
    await this.strike(faults.after)
  }

  /** The last answer to a command. @param text of it, for listeners. @param send sends it whole. */
  async answer(
    text: string,
    fault: ReplyFault | undefined,
    send: () => Promise<void>,
    padded: (bytes: number) => Promise<void>,
  ): Promise<void> {
    this.#events.reply(fault ? `(${fault.kind}) ${text}` : text)
    switch (fault?.kind) {
      case 'lost':
        return
      case 'garbage':
        return this.write(this.injector.garbage())
      case 'too-long':
        return padded(fault.bytes)
      case 'late':
        await new Promise((done) => setTimeout(done, fault.ms))
        return send()
      case 'duplicated':
        await send()
        return send()
      case undefined:
        return send()
    }
  }

  async strike(fault: CommandFaults['before']): Promise<void> {
    switch (fault) {
      case undefined:
        return
      case 'disconnect':
        throw new Struck('link-lost')
      case 'power-cut':
        this.#events.powerCut()
        throw new Struck('power-lost')
      case 'stall':
        return this.mute()
    }
  }

  async #guarded<T>(transfer: Promise<T>): Promise<T> {
    try {
      return await transfer
    } catch (cause) {
      throw new LinkLost('the host is gone', { cause })
    }
  }
}
