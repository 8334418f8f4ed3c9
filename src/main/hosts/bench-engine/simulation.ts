// Simulated terminals on a bus of their own, beside the real ones: for a first look, for learning, for showing.
import { SlotbenchError } from '../../../shared/errors.ts'
import { adbDaemon } from '../../../simulator/adb/daemon.ts'
import type { SimulatedTerminal } from '../../../simulator/terminal.ts'
import { SimulatedBench, USB2 } from '../../../simulator/usb.ts'
import { demoRom, profileNamed, simulatedTerminal } from '../simulated.ts'
import { SIMULATED_BUS } from './bay-board.ts'

const MB = 1024 * 1024
/** Large enough that a job can be watched. */
const SIZES = { sizes: { system: 96 * MB, vendor: 32 * MB, product: 16 * MB, boot: 16 * MB } }
const BOOT_MS = 1_500
const MOST = 24
/** How long the simulated technician takes to press Allow on the terminal's screen. */
const ALLOW_MS = 1_000

export class Simulation {
  readonly usb = new SimulatedBench()
  readonly #folder: string
  readonly #terminals = new Map<string, SimulatedTerminal>()
  /** One package per model, made once. */
  readonly #roms = new Map<string, Promise<string>>()

  /** @param folder where packages for simulated terminals are kept. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Plugs in a terminal that runs its old build.
   * @returns its bay and the path of a newer package for it.
   * @throws SlotbenchError `usage` for an unknown profile or when all ports are taken. */
  async add(profile: string): Promise<{ readonly bay: string; readonly rom: string }> {
    const port = Array.from({ length: MOST }, (_, index) => index + 1).find(
      (number) => !this.#terminals.has(bayOf(number)),
    )
    if (port === undefined)
      throw new SlotbenchError('usage', `${MOST} simulated terminals are plugged in already`)
    const rom = await this.#rom(profile)
    const terminal = await simulatedTerminal({
      ...{ profile, sizes: SIZES, locked: false, bootMs: BOOT_MS },
      serial: `SIM${profile.replace(/[^a-z0-9]/gi, '').toUpperCase()}${String(port).padStart(3, '0')}`,
      adb: adbDaemon({
        behaviour: {
          ...{ auth: 'system', prompt: { answer: 'always-allow', ms: ALLOW_MS }, boot: { ms: 1_000 } },
        },
      }),
    })
    const bay = bayOf(port)
    this.#terminals.set(bay, terminal)
    await terminal.powerOn()
    this.usb.plug(terminal, { bus: SIMULATED_BUS, ports: [port], link: USB2 })
    return { bay, rom }
  }

  /** Pulls the cable and throws the terminal away. */
  remove(bay: string): void {
    const terminal = this.#terminals.get(bay)
    if (terminal === undefined) throw new SlotbenchError('bay-empty', `no simulated terminal is on ${bay}`)
    this.usb.unplug(terminal)
    terminal.cutPower()
    this.#terminals.delete(bay)
  }

  close(): void {
    for (const bay of [...this.#terminals.keys()]) this.remove(bay)
  }

  #rom(profile: string): Promise<string> {
    const made = this.#roms.get(profile) ?? demoRom(profileNamed(profile, SIZES), this.#folder)
    this.#roms.set(profile, made)
    made.catch(() => this.#roms.delete(profile))
    return made
  }
}

function bayOf(port: number): string {
  return `usb:${SIMULATED_BUS}-${port}`
}
