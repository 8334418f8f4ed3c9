// A terminal that behaves: storage, slot metadata, a boot ROM that decides, and modes that hosts talk to.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../shared/errors.ts'
import { type Sha256, type Slot, splitSlot } from '../shared/units.ts'
import { type AdbDaemon, type AdbDevice, silentDaemon } from './adb-service.ts'
import { type BootOutcome, boot } from './boot/boot.ts'
import { leaveMessage } from './boot/message.ts'
import type { BootRecord } from './boot/record.ts'
import { type EdlDevice, EdlService } from './edl/edl-service.ts'
import { type FactoryImages, manufacture } from './factory.ts'
import { Fastbootd } from './fastboot/fastbootd.ts'
import { FaultInjector } from './fault-injector.ts'
import type { FaultPlan } from './faults.ts'
import { AdbService, type FastbootDevice, FastbootService, type ServedTerminal } from './mode-services.ts'
import type { TerminalProfile } from './profiles/types.ts'
import { beginSession, type Session } from './session.ts'
import { Disk, type Partition } from './storage/disk.ts'
import { geometryOf } from './storage/layout.ts'
import { PowerLost, SimulatedStorage } from './storage/storage.ts'
import { mountLogical } from './super/mount.ts'
import { mergeUpdate } from './super/settle-update.ts'
import type {
  BatteryState,
  Departure,
  HeldKeys,
  RecoveryMode,
  StartReason,
  TerminalEvent,
  TerminalState,
} from './terminal-state.ts'

export type { BootRecord, BootVerdict } from './boot/record.ts'
export type { FactoryImages } from './factory.ts'
export type { FastbootDevice } from './mode-services.ts'
export type { BatteryState, TerminalEvent, TerminalState } from './terminal-state.ts'

export interface CreateOptions {
  readonly profile: TerminalProfile
  /** Default: a made-up one; null: the terminal has none. */
  readonly serial?: string | null | undefined
  /** Default: in memory. A storage that already holds a terminal is taken as it is. */
  readonly storage?: SimulatedStorage
  readonly unlocked?: boolean
  /** Root of trust: the AVB public key blob (zte-domain §3.4) that the top vbmeta must be signed with. */
  readonly keys: { readonly publicKey: Uint8Array }
  readonly image?: FactoryImages
  readonly faults?: FaultPlan
  readonly battery?: BatteryState
  /** How long each boot attempt takes, ms. Default 0. */
  readonly bootMs?: number
  /** u32 that the chip says in EDL; default: made from the serial number. */
  readonly chipSerial?: number
  /** How long a second of a Firehose programmer's delays takes, ms. Default 0. */
  readonly programmerSecondMs?: number
  /** What answers ADB; default nothing does. */
  readonly adb?: AdbDaemon
  /** Pause after each piece of 256 KiB of a merge, ms; default 0. With Infinity nothing is merged until a host asks. */
  readonly mergePauseMs?: number
}

const CHARGED: BatteryState = { millivolts: 4123, percent: 83, ok: true }

export class SimulatedTerminal {
  readonly profile: TerminalProfile
  readonly serial: string | undefined
  readonly storage: SimulatedStorage
  readonly fastboot: FastbootDevice
  readonly adb: AdbDevice
  readonly edl: EdlDevice
  readonly chipSerial: number
  /** Where the partitions lie; slot bits are read anew at each start. Only a programmer can change it, which is then looked at anew. */
  #map: Disk
  readonly #rootOfTrust: Uint8Array
  readonly #battery: BatteryState
  readonly #bootMs: number
  readonly #mergePauseMs: number
  readonly #boots: BootRecord[] = []
  readonly #listeners = new Set<(event: TerminalEvent) => void>()
  #injector: FaultInjector
  #state: TerminalState = 'off'
  #keys: HeldKeys | undefined
  #session: Session | undefined
  /** Counts what starts and stops; whoever waited in between sees that it is out of date. */
  #epoch = 0
  #looping = false
  #reprogrammed = false
  /** All that still runs of this and earlier sessions; new power waits for it. */
  #work: Promise<unknown> = Promise.resolve()

  private constructor(options: CreateOptions, map: Disk) {
    this.profile = options.profile
    this.serial = serialOf(options)
    this.storage = map.storage
    this.#map = map
    this.#rootOfTrust = options.keys.publicKey
    this.#battery = options.battery ?? CHARGED
    this.#bootMs = options.bootMs ?? 0
    this.#mergePauseMs = options.mergePauseMs ?? 0
    this.#injector = new FaultInjector(options.faults)
    const served = this.#served()
    this.fastboot = new FastbootService(served)
    this.adb = new AdbService(served, options.adb ?? silentDaemon)
    this.chipSerial = options.chipSerial ?? chipSerialFrom(`${this.profile.id} ${this.serial}`)
    const { profile, chipSerial } = this
    this.edl = new EdlService(served, { profile, chipSerial, secondMs: options.programmerSecondMs ?? 0 })
  }

  /** Builds the terminal in its factory state, powered off.
   * @throws SlotbenchError `image-too-large` when a factory image does not fit its partition. */
  static async create(options: CreateOptions): Promise<SimulatedTerminal> {
    const storage = options.storage ?? SimulatedStorage.inMemory(geometryOf(options.profile))
    const { profile, image, unlocked = false } = options
    await manufacture({ profile, storage, images: image, unlocked, serial: serialOf(options) })
    return new SimulatedTerminal(options, await Disk.load(storage))
  }

  get state(): TerminalState {
    return this.#state
  }

  /** Boot ROM, bootloader, kernel: resolves when the terminal has come to rest (or lost its power).
   * @throws SlotbenchError `internal` when it is already on. */
  async powerOn(options: { readonly keys?: StartReason } = {}): Promise<void> {
    if (this.#state !== 'off') throw new SlotbenchError('internal', 'the simulated terminal is already on')
    this.#epoch += 1
    this.#become('booting')
    await this.#start(options.keys ?? this.#keys)
  }

  /** At once: links die, a write in flight is torn, RAM is lost. */
  cutPower(): void {
    const session = this.#end()
    this.#become('off')
    for (const link of session?.links ?? []) link.close('abrupt')
  }

  /** What the technician presses at every following boot; ends a boot loop too. */
  holdKeys(keys: HeldKeys | undefined): void {
    this.#keys = keys
    if (keys && this.#looping) {
      this.#end()
      void this.#start(keys)
    }
  }

  boots(): readonly BootRecord[] {
    return this.#boots
  }

  /** What would boot now. Runs the whole boot on a copy; nothing changes.
   * @param options.toldToRestart drops a wish for another mode that stands in misc, as "reboot system now" there does. */
  async wouldBoot(options: { readonly toldToRestart?: boolean } = {}): Promise<BootRecord> {
    if (this.#state === 'off') await this.#work.catch(() => {})
    const disk = await Disk.load(this.storage.fork())
    if (options.toldToRestart === true) await leaveMessage(disk, 'system')
    return (await this.#boot(disk, undefined, undefined)).record
  }

  /** Replaces the faults; counts start anew. */
  setFaults(plan: FaultPlan): void {
    this.#injector = new FaultInjector(plan)
  }

  /** Counts an appearance on a bus. @returns the serial number that shows there. */
  enumerate(): string | undefined {
    return this.#injector.enumeration() ? this.serial : undefined
  }

  /** SHA-256 of the whole partition. @param name full name (`boot_a`). */
  async partitionDigest(name: string): Promise<Sha256> {
    return this.#map.digest(await this.#find(name))
  }

  async readPartition(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#map.read(await this.#find(name))
  }

  /** Writes past the bootloader: for tests. @param offset bytes from the start of the partition. */
  async writePartitionRaw(name: string, bytes: Uint8Array, offset = 0): Promise<void> {
    await this.#map.write(await this.#find(name), offset, bytes)
  }

  /** Logical partitions as a boot of their slot would see them now. */
  async #find(name: string): Promise<Partition> {
    if (this.#reprogrammed) {
      // Where no table holds it any more, it is where it was.
      const now = await Disk.load(this.storage)
      if (now.find(name)) this.#map = now
    }
    const mounted = this.profile.dynamic && (await mountLogical(this.#map, splitSlot(name).slot))
    const logical = typeof mounted === 'object' ? mounted.get(name) : undefined
    return logical ?? this.#map.get(name)
  }

  /** @returns the way to stop listening. */
  on(listener: (event: TerminalEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What ran before is no longer alive and can write no more. */
  #end(): Session | undefined {
    const session = this.#session
    this.#session = undefined
    this.#looping = false
    this.#epoch += 1
    if (session) session.alive = false
    return session
  }

  /** What its services may see and do. */
  #served(): ServedTerminal {
    const terminal = this
    return {
      get state() {
        return terminal.#state
      },
      get session() {
        return terminal.#session
      },
      emit: (event) => this.#emit(event),
      cutPower: () => this.cutPower(),
      depart: (session, to) => this.#depart(session, to),
      switchTo: (session, mode) => this.#switch(session, mode),
      enter: (session, state, how) => {
        this.#reprogrammed ||= state === 'programmer'
        if (how?.sameDevice) this.#become(state, { sameDevice: true })
        else this.#switch(session, state)
      },
      hold: (work) => {
        this.#work = Promise.all([this.#work, work])
      },
    }
  }

  async #start(wanted: StartReason | undefined): Promise<void> {
    const epoch = this.#epoch
    await this.#work.catch(() => {})
    if (epoch !== this.#epoch) return
    const { profile, serial, storage } = this
    const session = await beginSession({
      ...{ profile, serial, storage, battery: this.#battery, injector: () => this.#injector },
    })
    if (epoch !== this.#epoch) return
    this.#session = session
    await this.#run(session, wanted)
  }

  async #run(session: Session, wanted: StartReason | undefined): Promise<void> {
    const work = this.#boot(session.bootloader.disk, wanted, session)
    this.#work = work
    try {
      const { state, record, properties } = await work
      if (!session.alive) return
      const { slot } = record
      session.booted = { slot, build: record.build, properties, at: record.at }
      if (state === 'fastbootd') session.fastbootd = new Fastbootd(session.bootloader, session.booted)
      this.#looping = state === 'boot-loop'
      this.#become(state === 'boot-loop' ? 'booting' : state)
      if (state === 'system') this.#merge(session, slot)
      // Keys pressed while it was deciding catch the next restart.
      if (this.#looping) this.holdKeys(this.#keys)
    } catch (thrown) {
      if (!(thrown instanceof PowerLost)) throw thrown
      // A write was torn by a planned fault: the power went with it.
      if (session.alive) this.cutPower()
    }
  }

  /** An update that was staged and has booted is merged while the system runs. */
  #merge(session: Session, slot: Slot | undefined): void {
    const pauseMs = this.#mergePauseMs
    if (!this.profile.dynamic || pauseMs === Number.POSITIVE_INFINITY) return
    const pause = () => new Promise<void>((done) => (pauseMs > 0 ? setTimeout(done, pauseMs) : done()))
    const work = mergeUpdate(session.bootloader.disk, slot, pause).catch((thrown: unknown) => {
      if (!(thrown instanceof PowerLost)) throw thrown
      if (session.alive) this.cutPower()
    })
    this.#work = Promise.all([this.#work, work])
  }

  #boot(disk: Disk, wanted: StartReason | undefined, session: Session | undefined): Promise<BootOutcome> {
    const { profile } = this
    return boot({
      ...{ profile, disk, wanted, rootOfTrust: this.#rootOfTrust, now: Date.now },
      onAttempt: (record) => {
        if (!session?.alive) return
        this.#boots.push(record)
        this.#emit({ kind: 'boot', record })
      },
      attempt: async () => {
        if (!session) return
        if (this.#bootMs > 0) await new Promise((done) => setTimeout(done, this.#bootMs))
        if (!session.alive) throw new PowerLost('the power was cut while booting')
      },
    })
  }

  #depart(session: Session, to: Departure): void {
    this.#end()
    this.#become(to === 'off' ? 'off' : 'booting')
    for (const link of session.links) link.close('orderly')
    if (to === 'off') return
    const pause = new Promise((done) => (this.#bootMs > 0 ? setTimeout(done, this.#bootMs) : done(undefined)))
    this.#work = Promise.allSettled([this.#work, pause])
    void this.#start(this.#reasonFor(to))
  }

  /** Only bootloader and boot ROM are asked for by the chip's reset reason; the rest stands in misc. */
  #reasonFor(to: Departure): StartReason | undefined {
    if (to === 'bootloader' || to === 'edl') return to
    // `continue` goes on past the keys that brought the terminal here.
    return to === 'system' ? this.#keys : undefined
  }

  #switch(session: Session, mode: RecoveryMode | 'programmer' | 'booting'): void {
    // A bus brings a new link as soon as it sees the new mode; that one stays.
    const links = [...session.links]
    this.#become(mode)
    for (const link of links) link.close('orderly')
  }

  #become(state: TerminalState, how: { readonly sameDevice?: true } = {}): void {
    if (state === this.#state) return
    this.#state = state
    this.#emit({ kind: 'state', state, ...how })
  }

  #emit(event: TerminalEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/** Differs from terminal to terminal as chips do. */
function chipSerialFrom(label: string): number {
  return createHash('sha256').update(`chip ${label}`).digest().readUInt32LE()
}

function serialOf({ serial }: CreateOptions): string | undefined {
  return serial === null ? undefined : (serial ?? 'SIM0123456789')
}
