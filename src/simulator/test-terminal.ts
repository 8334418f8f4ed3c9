// What the simulator's own tests share: builds made once, terminals with build 1 in every slot.
import { type Build, factoryImages, makeBuild, simulatorRootOfTrust } from './make-images.ts'
import { type ProfileId, profile } from './profiles/index.ts'
import type { ProfileOptions, TerminalProfile } from './profiles/types.ts'
import type { SimulatedStorage } from './storage/storage.ts'
import { type CreateOptions, SimulatedTerminal } from './terminal.ts'

/** Small enough that a boot takes milliseconds. */
const SMALL: ProfileOptions = {
  sizes: {
    system: 1 << 20,
    vendor: 512 << 10,
    product: 256 << 10,
    userdata: 1 << 20,
    boot: 256 << 10,
    modem: 256 << 10,
  },
}
export const BUILD_1 = { build: 'BUILD-1', rollbackIndex: 1, seed: 1 }
export const BUILD_2 = { build: 'BUILD-2', rollbackIndex: 2, seed: 2 }

const builds = new Map<string, Promise<Build>>()

export function testProfile(id: ProfileId, options: ProfileOptions = {}) {
  return profile(id, { ...SMALL, ...options })
}

/** The build for the small profile, made once per test file. */
export function testBuild(id: ProfileId, options: typeof BUILD_1): Promise<Build> {
  const key = `${id} ${options.build}`
  const build = builds.get(key) ?? makeBuild(testProfile(id), options)
  builds.set(key, build)
  return build
}

type Changes = Partial<Omit<CreateOptions, 'profile'>> & { readonly options?: ProfileOptions }

const factories = new Map<string, Promise<SimulatedStorage>>()

/** The storage of a terminal fresh from the factory; made once per test file, then copied. */
async function fresh(model: TerminalProfile, id: ProfileId): Promise<SimulatedStorage> {
  const key = JSON.stringify(model.partitions)
  const made =
    factories.get(key) ??
    (async () => {
      const image = factoryImages(model, await testBuild(id, BUILD_1))
      const keys = await simulatorRootOfTrust()
      return (await SimulatedTerminal.create({ profile: model, keys, image, unlocked: true })).storage
    })()
  factories.set(key, made)
  return (await made).fork()
}

/** Unlocked and off, with build 1 in every slot. */
export async function testTerminal(id: ProfileId, changes: Changes = {}): Promise<SimulatedTerminal> {
  const { options, unlocked = true, ...rest } = changes
  const model = testProfile(id, options)
  const storage = await fresh(model, id)
  await storage.setState({ unlocked, unlockedCritical: unlocked })
  return SimulatedTerminal.create({ profile: model, keys: await simulatorRootOfTrust(), storage, ...rest })
}

/** Everything of a build written into a slot past the bootloader. */
export async function install(
  terminal: SimulatedTerminal,
  build: Build,
  slot: 'a' | 'b' | undefined,
): Promise<void> {
  const images = factoryImages(terminal.profile, build, slot ? [slot] : [])
  for (const [name, image] of images) {
    if (image instanceof Uint8Array) continue
    for await (const extent of image.extents({ signal: new AbortController().signal })) {
      const bytes = extent.kind === 'data' ? extent.bytes : new Uint8Array(extent.length)
      await terminal.writePartitionRaw(name, bytes, extent.offset)
    }
  }
}

/** One bit of the partition turned round. */
export async function tamper(terminal: SimulatedTerminal, name: string, offset = 4096): Promise<void> {
  const byte = (await terminal.readPartition(name)).at(offset) ?? 0
  await terminal.writePartitionRaw(name, Uint8Array.of(byte ^ 1), offset)
}

/** A host over a link without a wire: sends commands, collects replies. */
export class TestHost {
  readonly #toDevice: Uint8Array<ArrayBuffer>[] = []
  readonly #replies: Uint8Array<ArrayBuffer>[] = []
  #wake: (() => void)[] = []
  #closed = false
  readonly served: Promise<void>

  constructor(terminal: SimulatedTerminal) {
    this.served = terminal.fastboot.serve({
      read: async (expected) => {
        await this.#until(() => this.#toDevice.length > 0)
        const next = this.#toDevice.shift() ?? new Uint8Array(0)
        if (expected > 0 && next.length > expected) this.#toDevice.unshift(next.subarray(expected))
        return expected > 0 ? next.subarray(0, expected) : next
      },
      write: async (reply) => {
        if (this.#closed) throw new Error('closed')
        this.#replies.push(reply)
        this.#notify()
      },
      close: () => {
        this.#closed = true
        this.#notify()
      },
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  send(bytes: string | Uint8Array<ArrayBuffer>): void {
    this.#toDevice.push(typeof bytes === 'string' ? new Uint8Array(Buffer.from(bytes)) : bytes)
    this.#notify()
  }

  async reply(): Promise<string> {
    await this.#until(() => this.#replies.length > 0)
    return Buffer.from(this.#replies.shift() ?? []).toString('latin1')
  }

  /** The last reply to a command; INFO lines before it are in `infos`. */
  async command(line: string, infos: string[] = []): Promise<string> {
    this.send(line)
    for (;;) {
      const reply = await this.reply()
      if (!reply.startsWith('INFO')) return reply
      infos.push(reply.slice(4))
    }
  }

  async download(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const reply = await this.command(`download:${bytes.length.toString(16).padStart(8, '0')}`)
    if (!reply.startsWith('DATA')) return reply
    this.send(bytes)
    return this.reply()
  }

  async flash(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const reply = await this.download(bytes)
    return reply === 'OKAY' ? this.command(`flash:${name}`) : reply
  }

  hangUp(): void {
    this.#closed = true
    this.#notify()
  }

  async #until(ready: () => boolean): Promise<void> {
    while (!ready()) {
      if (this.#closed) throw new Error('the link is closed')
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #notify(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }
}
