// The terminal's process in the guest: a simulated terminal behind a real kernel USB stack, steered over IPC.

import { createHash } from 'node:crypto'
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
import { SimulatedTerminal } from '../../src/simulator/terminal.ts'
import { type Gadget, type INTERFACE, makeGadget } from './functionfs.ts'
import { FunctionFsPipes } from './functionfs-pipes.ts'
import type { AnswerMessage, CallMessage, GadgetCalls } from './gadget-calls.ts'

export interface GadgetOptions {
  readonly profileId: ProfileId
  readonly profile: ProfileOptions
  readonly serial: string
  readonly build: BuildOptions
}

/** How long a port stays empty between two modes; long enough for the host to notice. */
const OFF_BUS_MS = 150
/** How long the technician lets the system run before restarting the terminal into its bootloader. */
const IN_SYSTEM_MS = 1_500

/** The terminal's USB port: shows the gadget that fits its state while the cable is in. */
class Port {
  readonly #terminal: SimulatedTerminal
  readonly #bootloader: Gadget
  readonly #system: Gadget
  readonly #pipes: FunctionFsPipes
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
    pipes: FunctionFsPipes,
  ) {
    this.#terminal = terminal
    this.#bootloader = bootloader
    this.#system = system
    this.#pipes = pipes
    pipes.onReceived = (total) => {
      this.#received = total
      if (total >= this.#pullAt) this.pull()
    }
    terminal.on((event) => {
      if (event.kind === 'state') this.#refresh()
    })
  }

  static async open(terminal: SimulatedTerminal, model: TerminalProfile): Promise<Port> {
    const gadget = (name: string, kind: keyof typeof INTERFACE, identity: UsbIdentity): Gadget => {
      const { vendorId, productId, productName } = identity
      const shown = { kind, vendorId, productId, product: productName, serial: terminal.serial }
      return makeGadget(name, shown, `/run/functionfs-${name}`)
    }
    const bootloader = gadget('bootloader', 'fastboot', model.usb.bootloader)
    const system = gadget('system', 'adb', model.usb.system)
    const pipes = await FunctionFsPipes.open(bootloader.outEndpoint, bootloader.inEndpoint)
    return new Port(terminal, bootloader, system, pipes)
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
      const gadget = state === 'bootloader' ? this.#bootloader : state === 'system' ? this.#system : undefined
      if (gadget === undefined || !this.#cable) return
      await sleep(OFF_BUS_MS)
      if (!this.#cable || this.#terminal.state !== state) return
      if (gadget === this.#bootloader)
        void this.#terminal.fastboot.serve(this.#pipes.link(() => this.#hide()))
      gadget.plug()
      this.#shown = gadget
    })
  }

  #hide(): void {
    const shown = this.#shown
    this.#shown = undefined
    shown?.unplug()
    this.#pipes.unplugged()
  }
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
    bringBackToBootloader(this.#terminal, { patienceMs: IN_SYSTEM_MS })
    this.#port = await Port.open(this.#terminal, model)
    await this.#terminal.powerOn({ keys: 'bootloader' })
  }

  async digest(partition: string, bytes: number): Promise<string> {
    const content = await started(this.#terminal).readPartition(partition)
    return createHash('sha256').update(content.subarray(0, bytes)).digest('hex')
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
