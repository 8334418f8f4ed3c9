// What a running mode offers to hosts: fastboot in the bootloader and in fastbootd, ADB in the system and in recovery.
import { type AdbDaemon, type AdbDevice, type AdbMachine, type ByteLink, isAdbMode } from './adb-service.ts'
import { leaveMessage } from './boot/message.ts'
import { bootloaderMachine } from './fastboot/commands.ts'
import { converse } from './fastboot-device.ts'
import type { HostLink } from './host-link.ts'
import type { Session } from './session.ts'
import { PowerLost } from './storage/storage.ts'
import type { Departure, RecoveryMode, TerminalEvent, TerminalState } from './terminal-state.ts'

/** The device side of fastboot of one terminal. */
export interface FastbootDevice {
  /** Answers one host until the link ends or the terminal leaves the mode, then closes the link.
   * A second host waits until the first is gone; a host that comes in another state is turned away. */
  serve(link: HostLink): Promise<void>
}

/** The terminal as its services see it. */
export interface ServedTerminal {
  readonly state: TerminalState
  /** What runs; undefined without power and while it starts. */
  readonly session: Session | undefined
  emit(event: TerminalEvent): void
  cutPower(): void
  /** Leaves the mode; does not wait for what comes then. */
  depart(session: Session, to: Departure): void
  /** Another mode without a restart. */
  switchTo(session: Session, mode: RecoveryMode): void
  /** Another state of EDL; links of before are closed unless the host sees the same device. */
  enter(session: Session, state: 'programmer' | 'booting', how?: { readonly sameDevice: boolean }): void
  /** New power waits for this. */
  hold(work: Promise<unknown>): void
}

export function speaksFastboot(state: TerminalState): boolean {
  return state === 'bootloader' || state === 'bricked' || state === 'fastbootd'
}

export class FastbootService implements FastbootDevice {
  readonly #terminal: ServedTerminal
  /** Hosts are served one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(terminal: ServedTerminal) {
    this.#terminal = terminal
  }

  async serve(link: HostLink): Promise<void> {
    const before = this.#turn
    const served = before.then(() => this.#serveNow(link))
    this.#turn = served.catch(() => {})
    await served
  }

  async #serveNow(link: HostLink): Promise<void> {
    const terminal = this.#terminal
    const { session, state } = terminal
    if (!session || !speaksFastboot(state)) {
      link.close('orderly')
      return
    }
    const machine = state === 'fastbootd' ? session.fastbootd : bootloaderMachine(session.bootloader)
    if (!machine) {
      link.close('orderly')
      return
    }
    session.links.add(link)
    const work = converse(machine, link, {
      command: (command) => terminal.emit({ kind: 'command', command }),
      reply: (reply) => terminal.emit({ kind: 'reply', reply }),
      powerCut: () => terminal.cutPower(),
    })
    terminal.hold(work)
    const ending = await work
    session.links.delete(link)
    // The state changes before the link closes: a bus must not take the terminal for one that came back.
    if (session.alive && ending === 'power-lost') terminal.cutPower()
    if (session.alive && typeof ending === 'object') leave(terminal, session, ending.leave)
    link.close(typeof ending === 'object' ? 'orderly' : 'abrupt')
  }
}

/** fastbootd lives in recovery and goes back to it without a restart (AOSP commands.cpp, EnterRecovery). */
function leave(terminal: ServedTerminal, session: Session, to: Departure): void {
  if (terminal.state === 'fastbootd' && to === 'recovery') terminal.switchTo(session, 'recovery')
  else terminal.depart(session, to)
}

export class AdbService implements AdbDevice {
  readonly #terminal: ServedTerminal
  readonly #daemon: AdbDaemon

  constructor(terminal: ServedTerminal, daemon: AdbDaemon) {
    this.#terminal = terminal
    this.#daemon = daemon
  }

  async serve(link: ByteLink): Promise<void> {
    const terminal = this.#terminal
    const { session } = terminal
    const machine = session && this.#machine(session)
    if (!session || !machine) {
      link.close('orderly')
      return
    }
    session.links.add(link)
    const work = this.#daemon(machine, link)
    terminal.hold(work.catch(() => {}))
    try {
      await work
    } catch (thrown) {
      if (!(thrown instanceof PowerLost)) throw thrown
      // A write was torn by a planned fault: the power went with it.
      if (session.alive) terminal.cutPower()
    } finally {
      session.links.delete(link)
      link.close(session.alive ? 'orderly' : 'abrupt')
    }
  }

  #machine(session: Session): AdbMachine | undefined {
    const terminal = this.#terminal
    const { bootloader, booted } = session
    const { profile, serial, battery, disk, slots } = bootloader
    const mode = terminal.state
    if (!isAdbMode(mode) || !booted) return undefined
    return {
      ...{ mode, profile, serial, battery, disk, slots, booted },
      get unlocked() {
        return disk.storage.state.unlocked
      },
      get injector() {
        return bootloader.injector
      },
      reboot: async (to) => {
        await leaveMessage(disk, to)
        if (session.alive) terminal.depart(session, to)
      },
      switchTo: (wanted) => {
        if (session.alive) terminal.switchTo(session, wanted)
      },
      note: (command) => terminal.emit({ kind: 'command', command }),
    }
  }
}
