// The device side of fastboot (AOSP fastboot README): one command after the other, with whatever faults are planned.
import { type Conversing, type FastbootMachine, Refused } from './fastboot/bootloader.ts'
import type { CommandFaults } from './fault-injector.ts'
import type { ReplyFault } from './faults.ts'
import { type HostLink, LinkLost } from './host-link.ts'
import { PowerLost } from './storage/storage.ts'
import type { Departure } from './terminal-state.ts'

/** What the processor tells the terminal around it. */
export interface DeviceEvents {
  command(line: string): void
  reply(text: string): void
  /** A planned power cut strikes now. */
  powerCut(): void
}

/** Why a conversation ended. */
export type Ending = { readonly leave: Departure } | 'link-lost' | 'power-lost'

/** No command is longer (AOSP fastboot README: 4096 bytes today). */
const MAX_COMMAND = 4096

/** Thrown when a planned fault ends the conversation. */
class Struck extends Error {
  readonly ending: Ending
  constructor(ending: Ending) {
    super('a planned fault struck')
    this.ending = ending
  }
}

/** Answers one host until it goes, the terminal leaves, or a fault ends it. */
export async function converse(
  machine: FastbootMachine,
  link: HostLink,
  events: DeviceEvents,
): Promise<Ending> {
  const host = guarded(link)
  const conversation = new Conversation(machine, host, events)
  try {
    for (;;) {
      const bytes = await host.read(0)
      const leave = bytes.length === 0 ? undefined : await conversation.answer(bytes)
      if (leave) return { leave }
    }
  } catch (thrown) {
    if (thrown instanceof Struck) return thrown.ending
    if (thrown instanceof PowerLost) return 'power-lost'
    if (thrown instanceof LinkLost) return 'link-lost'
    throw thrown
  } finally {
    machine.download.clear()
  }
}

/** The same link; whatever it throws means that the host is gone. */
function guarded(link: HostLink): HostLink {
  const lost = (cause: unknown): never => {
    throw new LinkLost('the host is gone', { cause })
  }
  return {
    read: (expected) => link.read(expected).catch(lost),
    write: (reply) => link.write(reply).catch(lost),
    close: (how) => link.close(how),
  }
}

class Conversation {
  readonly #machine: FastbootMachine
  readonly #link: HostLink
  readonly #events: DeviceEvents

  constructor(machine: FastbootMachine, link: HostLink, events: DeviceEvents) {
    this.#machine = machine
    this.#link = link
    this.#events = events
  }

  /** @returns where the terminal goes, when the command makes it leave. */
  async answer(bytes: Uint8Array<ArrayBuffer>): Promise<Departure | undefined> {
    const line = Buffer.from(bytes.subarray(0, MAX_COMMAND)).toString('latin1')
    const { injector } = this.#machine
    const faults = injector.command(line)
    this.#events.command(line)
    injector.hooks.onCommand?.(line, injector.commands)
    await this.#strike(faults.before)
    let leave: Departure | undefined
    const context = this.#context((to) => {
      leave = to
    })
    const reply = await this.#execute(context, line, faults)
    injector.hooks.onCommandDone?.(line, injector.commands)
    // The reply is lost either way; a terminal that still has power goes where it was told to.
    if (faults.after === 'disconnect' && leave) return leave
    await this.#strike(faults.after)
    await this.#finalReply(reply, faults.reply)
    return leave
  }

  async #execute(context: Conversing, line: string, faults: CommandFaults): Promise<string> {
    if (faults.refuse !== undefined) return `FAIL${faults.refuse}`
    try {
      return `OKAY${await this.#machine.execute(context, line)}`
    } catch (thrown) {
      if (thrown instanceof Refused) return `FAIL${thrown.message}`
      throw thrown
    }
  }

  #context(leave: (to: Departure) => void): Conversing {
    return {
      leave,
      info: (words) => this.#send(`INFO${words}`),
      receive: (size) => this.#receive(size),
      sendData: async (size, pieces) => {
        await this.#send(`DATA${size.toString(16).padStart(8, '0')}`)
        for await (const piece of pieces) await this.#link.write(piece)
      },
    }
  }

  async #receive(size: number): Promise<void> {
    const { download, injector } = this.#machine
    download.begin(size)
    await this.#send(`DATA${size.toString(16).padStart(8, '0')}`)
    while (download.missing > 0) {
      const bytes = await this.#link.read(download.missing)
      download.append(bytes)
      if (bytes.length > 0) await this.#strike(injector.download(bytes.length))
    }
  }

  async #strike(fault: CommandFaults['before']): Promise<void> {
    switch (fault) {
      case undefined:
        return
      case 'disconnect':
        throw new Struck('link-lost')
      case 'power-cut':
        this.#events.powerCut()
        throw new Struck('power-lost')
      case 'stall':
        // Whatever else the host sends is swallowed too, until it goes.
        for (;;) await this.#link.read(0)
    }
  }

  async #finalReply(text: string, fault: ReplyFault | undefined): Promise<void> {
    switch (fault?.kind) {
      case 'lost':
        this.#events.reply('(lost)')
        return
      case 'garbage':
        this.#events.reply('(garbage)')
        return this.#link.write(this.#machine.injector.garbage())
      case 'too-long':
        this.#events.reply('(too long)')
        return this.#link.write(new Uint8Array(Buffer.from(text.padEnd(fault.bytes, 'x'), 'latin1')))
      case 'late':
        await new Promise((done) => setTimeout(done, fault.ms))
        return this.#send(text)
      case 'duplicated':
        await this.#send(text)
        return this.#send(text)
      case undefined:
        return this.#send(text)
    }
  }

  async #send(text: string): Promise<void> {
    const cut = text.slice(0, this.#machine.replyBytes)
    this.#events.reply(cut)
    await this.#link.write(new Uint8Array(Buffer.from(cut, 'latin1')))
  }
}
