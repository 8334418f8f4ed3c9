// A port with one terminal that goes where it is told and shows the marks it is given; sessions without a wire.
import type { AdbSession, RebootTarget, Sighting, SightingSource } from '../src/main/terminals/types.ts'
import { SlotbenchError } from '../src/shared/errors.ts'
import type { Mode, TerminalFacts } from '../src/shared/terminal.ts'
import type { BayId } from '../src/shared/units.ts'

export const DOUBLE_BAY = 'usb:1-2' as BayId

export interface Marks {
  readonly serial?: string
  readonly chipSerial?: string
  readonly product?: string
}

/** What stands on the port: opened over ADB where it speaks that, else only recognised by its sighting's marks. */
export interface Appearance extends Marks {
  readonly mode: Mode
  readonly speaks: boolean
}

export class PortDouble implements SightingSource {
  readonly notices = []
  readonly scanEveryMs = undefined
  readonly restarts: RebootTarget[] = []
  readonly #after: (to: RebootTarget) => Appearance
  readonly #listeners = new Set<() => void>()
  #address = 1
  #now: Appearance

  constructor(now: Appearance, after: (to: RebootTarget) => Appearance) {
    this.#now = now
    this.#after = after
  }

  /** Somebody's hands, or the terminal by itself. */
  becomes(appearance: Appearance): void {
    this.#address += 1
    this.#now = appearance
    for (const listener of this.#listeners) listener()
  }

  sightings(): readonly Sighting[] {
    const { mode, speaks, serial, chipSerial, product } = this.#now
    return [
      {
        bay: DOUBLE_BAY,
        mode: speaks ? 'system' : mode,
        protocol: speaks ? 'adb' : undefined,
        // What the USB descriptor says; over ADB the marks are read from properties.
        serial: speaks ? undefined : serial,
        product,
        ...(!speaks && chipSerial !== undefined && { chipSerial }),
        usb: { vendorId: 0x18d1, productId: 0x4ee7, address: this.#address, speed: 'high' },
        problem: undefined,
        open: () => Promise.reject(new SlotbenchError('internal', 'this double opens sessions only')),
      },
    ]
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async scan(): Promise<void> {}
  async close(): Promise<void> {}

  /** As `openAdb` gives it. */
  session(): AdbSession {
    const facts = factsOf(this.#now)
    return {
      ...{ protocol: 'adb', bay: DOUBLE_BAY, facts },
      refresh: async () => facts,
      reboot: async (to) => {
        this.restarts.push(to)
        this.becomes(this.#after(to))
      },
      sideload: () => Promise.reject(new SlotbenchError('internal', 'nothing is sideloaded')),
      close: async () => {},
    }
  }
}

function factsOf({ mode, serial, chipSerial, product }: Appearance): TerminalFacts {
  const told = Object.entries({ serial, chipSerial, product })
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, { value, source: mode }])
  return {
    ...{ mode, bay: DOUBLE_BAY, slots: {}, partitions: {}, hasSlot: {}, variables: {} },
    ...Object.fromEntries(told),
  }
}
