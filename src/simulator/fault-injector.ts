// Lets the faults of a plan strike: counts commands, bytes and writes, and tells the terminal what goes wrong now.
import type { Fault, FaultPlan, FaultTrigger, ReplyFault, SimulatorHooks } from './faults.ts'
import { seededRandom } from './randomness.ts'
import type { Admission } from './storage/storage.ts'

type Kind<K extends Fault['kind']> = Extract<Fault, { kind: K }>

/** What happens to one command. */
export interface CommandFaults {
  readonly before: 'disconnect' | 'power-cut' | 'stall' | undefined
  readonly after: 'disconnect' | 'power-cut' | undefined
  /** Words to refuse it with. */
  readonly refuse: string | undefined
  readonly reply: ReplyFault | undefined
}

export class FaultInjector {
  readonly #plan: FaultPlan
  readonly #random: () => number
  readonly #seen = new Map<Fault, number>()
  #commands = 0
  #downloaded = 0
  #written = 0
  #enumerations = 0

  constructor(plan: FaultPlan = {}) {
    this.#plan = plan
    this.#random = seededRandom(plan.seed ?? 1)
  }

  get hooks(): SimulatorHooks {
    return this.#plan.hooks ?? {}
  }

  get commands(): number {
    return this.#commands
  }

  /** Counts the command. */
  command(text: string): CommandFaults {
    this.#commands += 1
    const faults: { -readonly [K in keyof CommandFaults]: CommandFaults[K] } = {
      before: undefined,
      after: undefined,
      refuse: undefined,
      reply: undefined,
    }
    for (const fault of this.#plan.faults ?? []) {
      if (!('at' in fault) || !this.#strikes(fault, fault.at, text)) continue
      if (fault.kind === 'stall') faults.before = 'stall'
      else if (fault.kind === 'refuse') faults.refuse = fault.words
      else if (fault.kind === 'reply') faults.reply = fault.how
      else faults[fault.when] = fault.kind
    }
    return faults
  }

  /** Counts bytes of a download. @returns what happens within them. */
  download(bytes: number): 'disconnect' | 'power-cut' | undefined {
    const before = this.#downloaded
    this.#downloaded += bytes
    this.hooks.onDownloadBytes?.(this.#downloaded)
    const reached = (fault: { readonly afterBytes: number }) =>
      before < fault.afterBytes && fault.afterBytes <= this.#downloaded
    if (this.#all('power-cut-in-download').some(reached)) return 'power-cut'
    return this.#all('disconnect-in-download').some(reached) ? 'disconnect' : undefined
  }

  /** Counts a piece of a storage write. @returns what of it is stored. `alive` tells whether there is power. */
  async write(bytes: Uint8Array, sectorSize: number, alive: () => boolean): Promise<Admission> {
    // The power went before this piece was begun.
    if (!alive()) return { bytes: bytes.subarray(0, 0), torn: true }
    const before = this.#written
    this.#written += bytes.length
    this.hooks.onStorageWrite?.({ bytes: bytes.length, total: before })
    await this.#slow(bytes.length)
    const within = (at: number) => before <= at && at < this.#written
    const cut = this.#all('power-cut-in-write').some(({ afterBytes }) => within(afterBytes))
    if (cut || !alive()) return { bytes: this.#prefix(bytes, sectorSize), torn: true }
    const flip = this.#all('bit-flip').find(({ afterBytes }) => within(afterBytes))
    return { bytes: flip ? this.#flipped(bytes, flip.afterBytes - before) : bytes, torn: false }
  }

  /** Counts an appearance on the bus. @returns whether the serial number shows. */
  enumeration(): boolean {
    this.#enumerations += 1
    return !this.#all('serial-missing').some((fault) => this.#enumerations >= fault.fromEnumeration)
  }

  /** Bytes that no fastboot reply begins with. */
  garbage(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: 40 }, () => 0x80 + Math.floor(this.#random() * 0x80))
  }

  #all<K extends Fault['kind']>(kind: K): Kind<K>[] {
    return (this.#plan.faults ?? []).filter((fault): fault is Kind<K> => fault.kind === kind)
  }

  #strikes(fault: Fault, trigger: FaultTrigger, text: string): boolean {
    if ('command' in trigger) return trigger.command === this.#commands
    if (!text.startsWith(trigger.startsWith)) return false
    const seen = (this.#seen.get(fault) ?? 0) + 1
    this.#seen.set(fault, seen)
    return seen === (trigger.nth ?? 1)
  }

  /** Some of the whole sectors of the piece, from its start; never all of them. */
  #prefix(bytes: Uint8Array, sectorSize: number): Uint8Array {
    const sectors = Math.ceil(bytes.length / sectorSize)
    return bytes.subarray(0, Math.floor(this.#random() * sectors) * sectorSize)
  }

  #flipped(bytes: Uint8Array, at: number): Uint8Array {
    const copy = bytes.slice()
    copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(this.#random() * 8))
    return copy
  }

  async #slow(bytes: number): Promise<void> {
    const speed = Math.min(...this.#all('slow-storage').map((fault) => fault.bytesPerSecond))
    if (Number.isFinite(speed)) await new Promise((done) => setTimeout(done, (bytes / speed) * 1000))
  }
}
