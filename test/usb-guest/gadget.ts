// The terminal's process in the guest: a simulated terminal behind a real kernel USB stack, steered over IPC.

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { bringBackToBootloader } from '../../src/simulator/hands.ts'
import {
  type BuildOptions,
  factoryImages,
  makeBuild,
  simulatorRootOfTrust,
} from '../../src/simulator/make-images.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
import type { ProfileOptions, TerminalProfile, UsbIdentity } from '../../src/simulator/profiles/types.ts'
import { type BootRecord, SimulatedTerminal, type TerminalState } from '../../src/simulator/terminal.ts'
import { inEdl as shownInEdl } from '../../src/simulator/usb.ts'
import { type Gadget, type INTERFACE, makeGadget } from './functionfs.ts'
import { FunctionFsBulk } from './functionfs-bulk.ts'
import { FunctionFsPipes } from './functionfs-pipes.ts'
import type { AnswerMessage, CallMessage, GadgetCalls } from './gadget-calls.ts'

export interface GadgetOptions {
  readonly profileId: ProfileId
  readonly profile: ProfileOptions
  readonly serial: string
  readonly build: BuildOptions
  /** Where it stands when it is plugged in. */
  readonly in: 'bootloader' | 'edl'
  /** Hands bring it back to its bootloader whenever it has booted; default: where it stands there at first. */
  readonly hands?: boolean
}

/** How long a port stays empty between two modes; long enough for the host to notice. */
const OFF_BUS_MS = 150
/** How long the technician lets the system run before restarting the terminal into its bootloader. */
const IN_SYSTEM_MS = 1_500

interface EdlPort {
  readonly gadget: Gadget
  readonly pipes: FunctionFsBulk
}

/** The terminal's USB port: shows the gadget that fits its state while the cable is in. */
class Port {
  readonly #terminal: SimulatedTerminal
  readonly #bootloader: Gadget
  readonly #system: Gadget
  readonly #pipes: FunctionFsPipes
  readonly #edl: EdlPort | undefined
  #shown: Gadget | undefined
  #cable = true
  #pullAt = Number.POSITIVE_INFINITY
  #received = 0
  /** One change of the port at a time, in order. */
  #changes: Promise<void> = Promise.resolve()

  private constructor(
    terminal: SimulatedTerminal,
    bootloader: Gadget,
    system: Gadget,
    { pipes, edl }: { readonly pipes: FunctionFsPipes; readonly edl: EdlPort | undefined },
  ) {
    this.#terminal = terminal
    this.#bootloader = bootloader
    this.#system = system
    this.#pipes = pipes
    this.#edl = edl
    pipes.onReceived = (total) => {
      this.#received = total
      if (total >= this.#pullAt) this.pull()
    }
    terminal.on((event) => {
      if (event.kind === 'state' && !event.sameDevice) this.#refresh()
    })
  }

  static async open(terminal: SimulatedTerminal, model: TerminalProfile): Promise<Port> {
    const gadget = (name: string, kind: keyof typeof INTERFACE, identity: UsbIdentity): Gadget => {
      const { vendorId, productId, productName } = identity
      const shown = { kind, vendorId, productId, product: productName, serial: terminal.serial }
      return makeGadget(name, shown)
    }
    const bootloader = gadget('bootloader', 'fastboot', model.usb.bootloader)
    const system = gadget('system', 'adb', model.usb.system)
    const pipes = await FunctionFsPipes.open(bootloader.outEndpoint, bootloader.inEndpoint)
    return new Port(terminal, bootloader, system, { pipes, edl: await openEdl(terminal) })
  }

  get plugged(): boolean {
    return this.#cable
  }

  pull(): void {
    this.#cable = false
    this.#pullAt = Number.POSITIVE_INFINITY
    this.#hide()
  }

  pullAfter(bytes: number): void {
    this.#pullAt = this.#received + bytes
  }

  async plug(): Promise<void> {
    this.#cable = true
    this.#refresh()
    await this.#changes
  }

  #refresh(): void {
    this.#changes = this.#changes.then(async () => {
      this.#hide()
      const { state } = this.#terminal
      const gadget = this.#gadgetOf(state)
      if (gadget === undefined || !this.#cable) return
      await sleep(OFF_BUS_MS)
      if (!this.#cable || this.#terminal.state !== state) return
      if (gadget === this.#bootloader)
        void this.#terminal.fastboot.serve(this.#pipes.link(() => this.#hide()))
      if (gadget === this.#edl?.gadget)
        void this.#terminal.edl.serve(await this.#edl.pipes.link(() => this.#hide()))
      gadget.plug()
      this.#shown = gadget
    })
  }

  #gadgetOf(state: TerminalState): Gadget | undefined {
    switch (state) {
      case 'bootloader':
        return this.#bootloader
      case 'system':
        return this.#system
      case 'rom':
      case 'programmer':
        return this.#edl?.gadget
      default:
        return undefined
    }
  }

  #hide(): void {
    const shown = this.#shown
    this.#shown = undefined
    shown?.unplug()
    this.#pipes.unplugged()
    this.#edl?.pipes.unplugged()
  }
}

async function openEdl(terminal: SimulatedTerminal): Promise<EdlPort | undefined> {
  const { edl, usb } = terminal.profile
  if (edl === undefined) return undefined
  const { vendorId, productId, productName: product } = shownInEdl(terminal, usb.rom).identity
  const identity = { kind: 'edl', vendorId, productId, product, serial: undefined } as const
  const gadget = makeGadget('edl', identity)
  return { gadget, pipes: await FunctionFsBulk.open(gadget.outEndpoint, gadget.inEndpoint) }
}

/** The terminal and its port, once `start` has made them. */
class GadgetProcess implements GadgetCalls {
  #terminal: SimulatedTerminal | undefined
  #port: Port | undefined
  #commands: string[] = []

  async start(options: GadgetOptions): Promise<void> {
    const model = profile(options.profileId, options.profile)
    const build = await makeBuild(model, options.build)
    this.#terminal = await SimulatedTerminal.create({
      profile: model,
      serial: options.serial,
      unlocked: true,
      keys: await simulatorRootOfTrust(),
      image: factoryImages(model, build),
    })
    this.#terminal.on((event) => {
      if (event.kind === 'command') this.#commands.push(event.command)
    })
    if (options.hands ?? options.in === 'bootloader')
      bringBackToBootloader(this.#terminal, { patienceMs: IN_SYSTEM_MS })
    this.#port = await Port.open(this.#terminal, model)
    await this.#terminal.powerOn({ keys: options.in })
  }

  async digest(partition: string, bytes: number): Promise<string> {
    const content = await started(this.#terminal).readPartition(partition)
    return createHash('sha256').update(content.subarray(0, bytes)).digest('hex')
  }

  async dump(lun: number, path: string): Promise<void> {
    const { storage } = started(this.#terminal)
    writeFileSync(path, await storage.read(lun, 0, storage.luns.get(lun)?.size ?? 0))
  }

  async wouldBoot(): Promise<BootRecord> {
    return started(this.#terminal).wouldBoot()
  }

  async state() {
    return started(this.#terminal).state
  }

  async pull(): Promise<void> {
    started(this.#port).pull()
  }

  async pullAfter(bytes: number): Promise<void> {
    started(this.#port).pullAfter(bytes)
  }

  async plug(): Promise<void> {
    await started(this.#port).plug()
  }

  async plugged(): Promise<boolean> {
    return started(this.#port).plugged
  }

  async commands(): Promise<readonly string[]> {
    const commands = this.#commands
    this.#commands = []
    return commands
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the terminal was not started')
  return part
}

const gadget = new GadgetProcess()
process.on('message', (message: CallMessage) => {
  const method = gadget[message.name] as (...args: readonly unknown[]) => Promise<unknown>
  const answer = (rest: Omit<AnswerMessage, 'id'>): void => {
    process.send?.({ id: message.id, ...rest } satisfies AnswerMessage)
  }
  method.apply(gadget, [...message.args]).then(
    (value) => answer({ value }),
    (error: unknown) =>
      answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
