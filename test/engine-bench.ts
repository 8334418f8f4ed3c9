// The engine that windows talk to, on simulated terminals of several models, with a window of its own over a port in memory.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchEngine } from '../src/main/hosts/bench-engine/bench-engine.ts'
import { serveWindow } from '../src/main/hosts/bench-engine/serve-window.ts'
import { BenchClient, type BenchEvent, type WirePort } from '../src/shared/bench-api.ts'
import { applyChange, type BenchState } from '../src/shared/contract.ts'
import type { AdbBehaviourChanges } from '../src/simulator/adb/behaviour.ts'
import { adbDaemon } from '../src/simulator/adb/daemon.ts'
import type { FaultPlan } from '../src/simulator/faults.ts'
import { factoryImages, makeBuild, simulatorRootOfTrust } from '../src/simulator/make-images.ts'
import { type ProfileId, profile } from '../src/simulator/profiles/index.ts'
import { makeRom, type RomOptions } from '../src/simulator/rom-factory/make-rom.ts'
import type { SimulatedStorage } from '../src/simulator/storage/storage.ts'
import { SimulatedTerminal } from '../src/simulator/terminal.ts'
import { SimulatedBench, type UsbLinkQuality } from '../src/simulator/usb.ts'

const SIZES = {
  sizes: {
    system: 2 << 20,
    vendor: 1 << 20,
    product: 512 << 10,
    userdata: 1 << 20,
    boot: 512 << 10,
    modem: 256 << 10,
  },
}

export interface Plugged {
  readonly model?: ProfileId
  readonly serial: string
  /** `usb:1-<port>`. */
  readonly port: number
  readonly link?: UsbLinkQuality
  readonly faults?: FaultPlan
  readonly unlocked?: boolean
  /** `edl`: neither slot boots, and the boot ROM is all that is left. */
  readonly startIn?: 'bootloader' | 'system' | 'edl'
  readonly bootMs?: number
  readonly adb?: AdbBehaviourChanges
}

/** A folder on a RAM disk where there is one: journals are synced at every step. */
function newFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'slotbench-engine-'))
}

export class EngineBench {
  readonly folder = newFolder()
  readonly usb = new SimulatedBench()
  readonly terminals = new Map<string, SimulatedTerminal>()
  readonly #factories = new Map<ProfileId, Promise<SimulatedStorage>>()
  readonly #roms = new Map<ProfileId, Promise<string>>()
  engine: BenchEngine

  constructor() {
    this.engine = this.#open()
  }

  #open(): BenchEngine {
    return new BenchEngine({
      ...{ kind: 'station', data: join(this.folder, 'data'), usb: async () => this.usb },
      patience: { reconnect: 30_000 },
      supervisor: { cost: 1024 },
    })
  }

  /** The program is ended and started again; the terminals stay where they are. */
  async restart(): Promise<void> {
    await this.engine.close()
    this.engine = this.#open()
  }

  /** One terminal with the old build in every slot. */
  async plug(o: Plugged): Promise<SimulatedTerminal> {
    const model = o.model ?? 'nx679j'
    const storage = (await this.#factory(model)).fork()
    await storage.setState({ unlocked: o.unlocked ?? true, unlockedCritical: o.unlocked ?? true })
    const terminal = await SimulatedTerminal.create({
      ...{ profile: profile(model, SIZES), storage, serial: o.serial, keys: await simulatorRootOfTrust() },
      bootMs: o.bootMs ?? 50,
      ...(o.faults && { faults: o.faults }),
      adb: adbDaemon({ behaviour: { auth: 'none', boot: { ms: 100 }, ...o.adb } }),
    })
    if (o.startIn === 'edl')
      for (const slot of ['a', 'b'])
        await terminal.writePartitionRaw(`abl_${slot}`, new Uint8Array(4096).fill(0xee))
    await terminal.powerOn(o.startIn === 'system' ? {} : { keys: o.startIn ?? 'bootloader' })
    this.usb.plug(terminal, portOf(o))
    this.terminals.set(o.serial, terminal)
    return terminal
  }

  /** Puts the cable of a terminal back in. */
  replug(terminal: SimulatedTerminal, o: Pick<Plugged, 'port' | 'link'>): void {
    this.usb.plug(terminal, portOf(o))
  }

  /** A full OTA package of the next build for a model. */
  rom(model: ProfileId = 'nx679j'): Promise<string> {
    const made = this.#roms.get(model) ?? this.makeRom(model, { name: `${model}-full.zip` })
    this.#roms.set(model, made)
    return made
  }

  async makeRom(model: ProfileId, o: Partial<RomOptions> & { readonly name: string }): Promise<string> {
    const { name, ...more } = o
    const folder = join(this.folder, 'roms')
    mkdirSync(folder, { recursive: true })
    const out = join(folder, name)
    const product = profile(model).product
    const build = { build: `${product}-V2.11`, rollbackIndex: 2, seed: 2, securityPatch: '2026-10-01' }
    await makeRom(profile(model, SIZES), { ...build, kind: 'ota-zip', ...more, out })
    return out
  }

  #factory(model: ProfileId): Promise<SimulatedStorage> {
    const made = this.#factories.get(model) ?? this.#manufacture(model)
    this.#factories.set(model, made)
    return made
  }

  async #manufacture(model: ProfileId): Promise<SimulatedStorage> {
    const shape = profile(model, SIZES)
    const old = { build: `${shape.product}-V1.06`, rollbackIndex: 1, seed: 1, securityPatch: '2026-05-01' }
    const image = factoryImages(shape, await makeBuild(shape, old))
    const keys = await simulatorRootOfTrust()
    return (await SimulatedTerminal.create({ profile: shape, keys, image, unlocked: true })).storage
  }

  async close(): Promise<void> {
    await this.engine.close()
    for (const terminal of this.terminals.values()) terminal.cutPower()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function portOf({ port, link }: Pick<Plugged, 'port' | 'link'>) {
  return { bus: '1', ports: [port], ...(link && { link }) }
}

/** A window without a screen: its state is what the messages say, nothing else. */
export class TestWindow {
  readonly client: BenchClient
  readonly events: BenchEvent[] = []
  state: BenchState | undefined
  readonly #changed = new Set<() => void>()

  constructor(bench: EngineBench, options: { readonly onText?: (text: string) => void } = {}) {
    this.client = new BenchClient(async () => {
      const [host, window] = portPair()
      if (options.onText) window.onMessage(options.onText)
      // After the window listens.
      queueMicrotask(() => serveWindow(bench.engine, host))
      return window
    })
    this.client.subscribe((event) => {
      this.events.push(event)
      if (event.type === 'snapshot') this.state = event.state
      if (event.type === 'changes' && this.state !== undefined)
        for (const change of event.changes) this.state = applyChange(this.state, change)
      for (const tell of this.#changed) tell()
    })
  }

  /** The state when it is first like that. */
  async until(what: (state: BenchState) => boolean, ms = 30_000): Promise<BenchState> {
    const deadline = performance.now() + ms
    for (;;) {
      if (this.state !== undefined && what(this.state)) return this.state
      const left = deadline - performance.now()
      if (left <= 0)
        throw new Error(`not seen in time; the state is ${JSON.stringify(this.state)?.slice(0, 4_000)}`)
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          this.#changed.delete(done)
          resolve()
        }
        const timer = setTimeout(done, Math.min(left, 1_000))
        this.#changed.add(done)
      })
    }
  }
}

/** Two ends of one connection in memory. */
export function portPair(): readonly [WirePort, WirePort] {
  const listeners = [new Set<(text: string) => void>(), new Set<(text: string) => void>()] as const
  const closers = new Set<() => void>()
  const end = (own: 0 | 1): WirePort => ({
    send: (text) =>
      queueMicrotask(() => {
        for (const listener of listeners[own === 0 ? 1 : 0]) listener(text)
      }),
    onMessage: (listener) => listeners[own].add(listener),
    onClose: (listener) => closers.add(listener),
    close: () => {
      for (const closer of closers) closer()
      closers.clear()
    },
  })
  return [end(0), end(1)]
}
