// Lets the faults of a plan strike: counts commands, bytes and writes, and tells the terminal what goes wrong now.
import type {
  DocumentsFault,
  Fault,
  FaultPlan,
  FaultTrigger,
  ReplyFault,
  SectorPlace,
  SimulatorHooks,
} from './faults.ts'
import { seededRandom } from './randomness.ts'
import type { Admission, WritePlace } from './storage/storage.ts'

type Kind<K extends Fault['kind']> = Extract<Fault, { kind: K }>

/** What happens to one command. */
export interface CommandFaults {
  readonly before: 'disconnect' | 'power-cut' | 'stall' | undefined
  readonly after: 'disconnect' | 'power-cut' | undefined
  /** Words to refuse it with. */
  readonly refuse: string | undefined
  /** Words to refuse it with once it has taken its data. */
  readonly refuseAfterData: string | undefined
  readonly reply: ReplyFault | undefined
}

export class FaultInjector {
  readonly #plan: FaultPlan
  readonly #random: () => number
  readonly #seen = new Map<Fault, number>()
  #commands = 0
  #downloaded = 0
  #written = 0
  #uploaded = 0
  #hellos = 0
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
      refuseAfterData: undefined,
      reply: undefined,
    }
    for (const fault of this.#plan.faults ?? []) {
      if (!('at' in fault) || !this.#strikes(fault, fault.at, text)) continue
      if (fault.kind === 'stall') faults.before = 'stall'
      else if (fault.kind === 'refuse') faults.refuse = fault.words
      else if (fault.kind === 'refuse-after-data') faults.refuseAfterData = fault.words
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

  /** Counts bytes that go to the host. @returns what happens within them, and how many of them still go. */
  upload(bytes: number): { readonly fault: 'disconnect' | undefined; readonly sent: number } {
    const before = this.#uploaded
    this.#uploaded += bytes
    const struck = this.#all('disconnect-in-upload').find(
      ({ afterBytes }) => before < afterBytes && afterBytes <= this.#uploaded,
    )
    return struck
      ? { fault: 'disconnect', sent: struck.afterBytes - before }
      : { fault: undefined, sent: bytes }
  }

  /** Counts a HELLO. @returns whether it reaches this host. */
  hello(): boolean {
    this.#hellos += 1
    return !this.#all('hello-eaten').some(({ nth = 1 }) => nth === this.#hellos)
  }

  get documents(): DocumentsFault['how'] | undefined {
    return this.#all('documents')[0]?.how
  }

  /** Whether a write there fails with an error that the storage reports. */
  writeFails(place: SectorPlace): boolean {
    return this.#all('write-error').some((fault) => overlap(fault, place))
  }

  /** A place within a transfer at which it is cut in two. */
  cutOf(bytes: number): number {
    return 1 + Math.floor(this.#random() * Math.max(1, bytes - 1))
  }

  /** Counts a piece of a storage write. @returns what of it is stored. `alive` tells whether there is power. */
  async write(
    bytes: Uint8Array,
    sectorSize: number,
    alive: () => boolean,
    place?: WritePlace,
  ): Promise<Admission> {
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
    const stored = flip ? this.#flipped(bytes, flip.afterBytes - before) : bytes
    return {
      bytes: stored,
      torn: false,
      ...(place && { kept: this.#stuck(place, bytes.length, sectorSize) }),
    }
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

  /** Ranges of a write that the storage does not take, bytes from its start. */
  #stuck(place: WritePlace, length: number, sectorSize: number) {
    return this.#all('stuck')
      .filter(({ lun }) => lun === place.lun)
      .map(({ sector, count }) => ({
        from: Math.max(0, sector * sectorSize - place.offset),
        to: Math.min(length, (sector + count) * sectorSize - place.offset),
      }))
      .filter(({ from, to }) => from < to)
      .toSorted((one, other) => one.from - other.from)
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

function overlap(one: SectorPlace, other: SectorPlace): boolean {
  return (
    one.lun === other.lun && one.sector < other.sector + other.count && other.sector < one.sector + one.count
  )
}
