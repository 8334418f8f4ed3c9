// What a terminal in EDL offers to hosts: the boot ROM, then the programmer it was given, or the memory of a crash.
import { LinkLost } from '../host-link.ts'
import type { ServedTerminal } from '../mode-services.ts'
import type { EdlProfile } from '../profiles/edl-types.ts'
import type { TerminalProfile } from '../profiles/types.ts'
import type { Session } from '../session.ts'
import { PowerLost } from '../storage/storage.ts'
import type { Departure, TerminalState } from '../terminal-state.ts'
import { type RomOutcome, runBootRom } from './boot-rom.ts'
import type { BulkLink } from './bulk-link.ts'
import { runMemoryDebug } from './memory-debug.ts'
import { Programmer } from './programmer.ts'
import { pause } from './sector-storage.ts'
import { Struck, Wire } from './wire.ts'

/** The EDL side of one terminal. */
export interface EdlDevice {
  /** Answers one host until the link ends or the terminal leaves the mode, then closes the link.
   * A second host waits until the first is gone; a host that comes in another state is turned away. */
  serve(link: BulkLink): Promise<void>
}

/** What runs of EDL between two power cuts, beyond any one host. */
export type EdlState =
  | { readonly kind: 'programmer'; readonly programmer: Programmer }
  /** A loader that it should not have been given. */
  | { readonly kind: 'mute' }

export interface EdlParts {
  readonly profile: TerminalProfile
  readonly chipSerial: number
  /** How long a second of the programmer's delays takes, ms. */
  readonly secondMs: number
}

export function speaksEdl(state: TerminalState): boolean {
  return state === 'rom' || state === 'programmer' || state === 'crashdump'
}

type Ending = { readonly leave: Departure } | 'link-lost' | 'power-lost' | 'gone'

export class EdlService implements EdlDevice {
  readonly #terminal: ServedTerminal
  readonly #parts: EdlParts
  /** Hosts are served one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(terminal: ServedTerminal, parts: EdlParts) {
    this.#terminal = terminal
    this.#parts = parts
  }

  async serve(link: BulkLink): Promise<void> {
    const served = this.#turn.then(() => this.#serveNow(link))
    this.#turn = served.catch(() => {})
    await served
  }

  async #serveNow(link: BulkLink): Promise<void> {
    const terminal = this.#terminal
    const { session, state } = terminal
    const { edl } = this.#parts.profile
    if (!session || !edl || !speaksEdl(state)) {
      link.close('orderly')
      return
    }
    session.links.add(link)
    const work = this.#converse(session, edl, link)
    terminal.hold(work)
    const ending = await work
    session.links.delete(link)
    // The state changes before the link closes: a bus must not take the terminal for one that came back.
    if (session.alive && ending === 'power-lost') terminal.cutPower()
    if (session.alive && typeof ending === 'object') terminal.depart(session, ending.leave)
    link.close(typeof ending === 'object' ? 'orderly' : 'abrupt')
  }

  async #converse(session: Session, edl: EdlProfile, link: BulkLink): Promise<Ending> {
    const terminal = this.#terminal
    const events = {
      command: (command: string) => terminal.emit({ kind: 'command', command }),
      reply: (reply: string) => terminal.emit({ kind: 'reply', reply }),
      powerCut: () => terminal.cutPower(),
    }
    const wire = new Wire(link, events, () => session.bootloader.injector)
    try {
      if (session.edl?.kind === 'mute') return await wire.mute()
      if (session.edl) return { leave: await session.edl.programmer.run(wire) }
      if (terminal.state === 'crashdump') {
        await runMemoryDebug(edl, wire)
        return { leave: 'system' }
      }
      const outcome = await runBootRom({ edl, serial: this.#parts.chipSerial }, wire)
      return await this.#after(outcome, session, wire)
    } catch (thrown) {
      if (thrown instanceof Struck) return thrown.ending
      if (thrown instanceof PowerLost) return 'power-lost'
      if (thrown instanceof LinkLost) return 'link-lost'
      throw thrown
    }
  }

  async #after(outcome: RomOutcome, session: Session, wire: Wire): Promise<Ending> {
    switch (outcome.kind) {
      case 'reset':
        return { leave: 'system' }
      case 'mute':
        session.edl = outcome
        return wire.mute()
      case 'leaves-bus':
        session.edl = { kind: 'mute' }
        this.#terminal.enter(session, 'booting')
        return 'gone'
      case 'programmer': {
        const programmer = this.#programmer(session, outcome.traits)
        session.edl = { kind: 'programmer', programmer }
        if (outcome.traits.reenumeratesAfterMs !== null) return this.#reappear(session, programmer)
        this.#watch(session, programmer)
        this.#terminal.enter(session, 'programmer', { sameDevice: true })
        return { leave: await programmer.run(wire) }
      }
    }
  }

  #programmer(session: Session, traits: Programmer['parts']['traits']): Programmer {
    const { profile, chipSerial, secondMs } = this.#parts
    if (!profile.edl) throw new LinkLost('a terminal without EDL')
    return new Programmer({
      ...{ traits, edl: profile.edl, chipSerial, bootLuns: profile.bootLuns },
      storage: session.bootloader.disk.storage,
      alive: () => session.alive,
      second: () => pause(secondMs),
    })
  }

  /** Off the bus and back as another device; what is served there waits for its turn. */
  async #reappear(session: Session, programmer: Programmer): Promise<Ending> {
    const terminal = this.#terminal
    const after = programmer.parts.traits.reenumeratesAfterMs ?? 0
    if (after > 0) {
      terminal.enter(session, 'booting')
      await pause(after)
    }
    if (!session.alive) return 'gone'
    this.#watch(session, programmer)
    terminal.enter(session, 'programmer')
    return 'gone'
  }

  /** No command in time: the chip resets into the boot ROM. */
  #watch(session: Session, programmer: Programmer): void {
    const { watchdogMs } = programmer.parts.traits
    if (watchdogMs === 0) return
    setTimeout(() => {
      if (session.alive && !programmer.heard) this.#terminal.depart(session, 'edl')
    }, watchdogMs).unref()
  }
}
