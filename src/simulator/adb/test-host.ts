// A host for the tests of the daemon: packets by hand over a link without a wire.
import type { ByteLink } from '../adb-service.ts'
import type { SimulatedTerminal } from '../terminal.ts'
import { COMMAND } from './wire.ts'

export interface HostPacket {
  readonly command: number
  readonly arg0: number
  readonly arg1: number
  readonly payload: Buffer
}

export const MIB = 1024 * 1024

export class TestAdbHost {
  /** What the device wrote, one entry for each transfer. */
  readonly transfers: Buffer[] = []
  readonly served: Promise<void>
  readonly #toDevice: Uint8Array<ArrayBuffer>[] = []
  #received = Buffer.alloc(0)
  #wake: (() => void)[] = []
  #closed = false

  constructor(serve: (link: ByteLink) => Promise<void>) {
    this.served = serve({
      read: async () => {
        await this.#until(() => this.#toDevice.length > 0)
        return this.#toDevice.shift() ?? new Uint8Array(0)
      },
      write: async (bytes) => {
        if (this.#closed) throw new Error('closed')
        this.transfers.push(Buffer.from(bytes))
        this.#received = Buffer.concat([this.#received, bytes])
        this.#notify()
      },
      close: () => this.hangUp(),
    })
  }

  static to(terminal: SimulatedTerminal): TestAdbHost {
    return new TestAdbHost((link) => terminal.adb.serve(link))
  }

  get closed(): boolean {
    return this.#closed
  }

  hangUp(): void {
    this.#closed = true
    this.#notify()
  }

  raw(bytes: Uint8Array): void {
    this.#toDevice.push(new Uint8Array(bytes))
    this.#notify()
  }

  /** Header and payload as two transfers, with a right checksum. */
  send(command: number, arg0: number, arg1: number, payload: Uint8Array | string = ''): void {
    const bytes = Buffer.from(payload as Uint8Array)
    const header = Buffer.alloc(24)
    const sum = bytes.reduce((all, byte) => all + byte, 0)
    for (const [i, word] of [command, arg0, arg1, bytes.length, sum, (command ^ 0xffffffff) >>> 0].entries())
      header.writeUInt32LE(word >>> 0, i * 4)
    this.raw(header)
    if (bytes.length > 0) this.raw(bytes)
  }

  async packet(): Promise<HostPacket> {
    const header = await this.#take(24)
    const [command, arg0, arg1, length] = [0, 4, 8, 12].map((at) => header.readUInt32LE(at))
    return {
      command: command ?? 0,
      arg0: arg0 ?? 0,
      arg1: arg1 ?? 0,
      payload: await this.#take(length ?? 0),
    }
  }

  /** @returns the banner. */
  async connect(version = 0x01000001, maxData = MIB): Promise<string> {
    this.send(COMMAND.cnxn, version, maxData, 'host::features=shell_v2\0')
    const { command, payload } = await this.packet()
    if (command !== COMMAND.cnxn) throw new Error(`not CNXN but ${command.toString(16)}`)
    return payload.toString()
  }

  /** Opens a service and takes all it says, as the only stream. Undefined when it is refused. */
  async ask(service: string): Promise<Buffer | undefined> {
    this.send(COMMAND.open, 7, 0, `${service}\0`)
    const parts: Buffer[] = []
    for (let accepted = false; ; ) {
      const { command, arg0, payload } = await this.packet()
      if (command === COMMAND.okay) accepted = true
      if (command === COMMAND.wrte) {
        parts.push(payload)
        this.send(COMMAND.okay, 7, arg0)
      }
      if (command === COMMAND.clse) {
        if (accepted) this.send(COMMAND.clse, 7, arg0)
        return accepted ? Buffer.concat(parts) : undefined
      }
    }
  }

  /** Serves the blocks of a package as `adb sideload` does. @returns the last eight bytes, and the blocks asked for. */
  async sideload(
    bytes: Uint8Array,
    options: { readonly block?: number; readonly service?: string } = {},
  ): Promise<{ readonly verdict: string | undefined; readonly asked: readonly number[] }> {
    const { block = 65536, service = 'sideload-host' } = options
    this.send(COMMAND.open, 7, 0, `${service}:${bytes.length}:${block}\0`)
    const asked: number[] = []
    for (;;) {
      const { command, arg0, payload } = await this.packet()
      if (command === COMMAND.clse) return { verdict: undefined, asked }
      if (command !== COMMAND.wrte) continue
      this.send(COMMAND.okay, 7, arg0)
      const words = payload.toString('latin1')
      if (!/^\d{8}$/.test(words)) {
        this.send(COMMAND.clse, 7, arg0)
        return { verdict: words, asked }
      }
      const at = Number(words) * block
      asked.push(Number(words))
      if (at >= bytes.length) {
        this.send(COMMAND.clse, 7, arg0)
        return { verdict: 'outside', asked }
      }
      this.send(COMMAND.wrte, 7, arg0, bytes.subarray(at, at + block))
    }
  }

  async #take(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length)
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
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
