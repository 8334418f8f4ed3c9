// One appearance of a terminal on a USB port, with the manners of the `usb` package 3.1 (zte-domain §7, node-usb-rs webusb_device.rs).
import type { UsbConfigurationInfo, UsbDeviceLike, UsbInterfaceInfo } from '../main/io/usb/backend.ts'
import type { UsbIdentity } from './profiles/types.ts'
import { Throttle } from './throttle.ts'
import { type PacketPipe, TransferFailure } from './usb-pipes.ts'

export interface UsbLinkQuality {
  /** Bytes per second of bulk data; default unlimited. */
  readonly bytesPerSecond?: number
  /** Before each transfer, ms. */
  readonly latencyMs?: number
  readonly speed?: 'full' | 'high' | 'super'
  /** The user may not open the device. */
  readonly denied?: boolean
}

/** What a USB 2 high-speed link carries in practice. */
export const USB2: UsbLinkQuality = { bytesPerSecond: 38_000_000, latencyMs: 0, speed: 'high' }

export interface Appearance {
  readonly identity: UsbIdentity
  readonly serial: string | undefined
  /** Class, subclass, protocol of its one interface. */
  readonly triple: readonly [number, number, number]
  readonly kernelDriver: boolean
  readonly bus: string
  readonly ports: readonly number[]
  readonly address: number
  readonly link: UsbLinkQuality
  /** Host to device and back. */
  readonly out: PacketPipe
  readonly in: PacketPipe
}

const INTERFACE = 0
const ENDPOINT = 1
/** What `transferIn` and `transferOut` assume when the argument is missing. */
const DEFAULT_TIMEOUT_MS = 1000
export const PACKET_BYTES = { full: 64, high: 512, super: 1024 } as const

export class SimulatedUsbDevice implements UsbDeviceLike {
  readonly vendorId: number
  readonly productId: number
  readonly bus: string
  readonly address: number
  readonly ports: readonly number[]
  readonly speed: 'full' | 'high' | 'super'
  readonly handle: string
  readonly #appearance: Appearance
  #opened = false
  /** Survives `close`: only releasing lets go of it. */
  #claimed = false
  #kernelDriver: boolean
  readonly #busy = new Set<'in' | 'out'>()
  readonly #wire: Throttle
  #present = true

  constructor(appearance: Appearance) {
    const { identity, bus, ports, address, link } = appearance
    this.#appearance = appearance
    this.#kernelDriver = appearance.kernelDriver
    this.#wire = new Throttle(link.bytesPerSecond)
    this.vendorId = identity.vendorId
    this.productId = identity.productId
    this.bus = bus
    this.ports = [...ports]
    this.address = address
    this.speed = link.speed ?? 'super'
    this.handle = `DeviceId(Simulated { bus: ${bus}, address: ${address} })`
  }

  get opened(): boolean {
    return this.#opened
  }

  // Cached by the system, so that no permission is needed; without one the package asks the device, which can fail.
  get serialNumber(): string | null {
    if (this.#appearance.serial === undefined) this.#reach('open')
    return this.#appearance.serial ?? null
  }

  get productName(): string {
    return this.#appearance.identity.productName
  }

  get configuration(): UsbConfigurationInfo {
    if (!this.#opened) this.#reach('open')
    return { configurationValue: 1, interfaces: [this.#interface()] }
  }

  async open(): Promise<void> {
    this.#reach('open')
    this.#opened = true
  }

  /** Only the handle: what was claimed stays claimed. */
  async close(): Promise<void> {
    this.#opened = false
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    if (!this.#opened) throw new Error('claimInterface error: invalid state')
    if (!this.#present || interfaceNumber !== INTERFACE)
      throw new Error('claimInterface error: interface not found')
    if (this.#kernelDriver || this.#claimed) throw new Error('claimInterface error: interface is busy')
    this.#claimed = true
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    if (!this.#opened) throw new Error('releaseInterface error: invalid state')
    if (!this.#claimed || interfaceNumber !== INTERFACE)
      throw new Error('releaseInterface error: not claimed')
    this.#claimed = false
  }

  async detachKernelDriver(interfaceNumber: number): Promise<void> {
    if (!this.#opened) throw new Error('detachKernelDriver error: invalid state')
    if (!this.#kernelDriver || interfaceNumber !== INTERFACE)
      throw new Error('detachKernelDriver error: no kernel driver attached')
    this.#kernelDriver = false
  }

  async transferIn(
    endpoint: number,
    length: number,
    timeout: number = DEFAULT_TIMEOUT_MS,
  ): Promise<{ readonly data?: DataView; readonly status: string }> {
    const bytes = await this.#transfer('in', endpoint, async () => {
      const packet = PACKET_BYTES[this.speed]
      // The request is rounded up to whole packets; what then exceeds `length` is lost.
      const asked = Math.ceil(length / packet) * packet
      const got = await this.#appearance.in.take(asked, timeout)
      await this.#throttle(got.length)
      return got.slice(0, length)
    })
    return { data: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), status: 'ok' }
  }

  async transferOut(
    endpoint: number,
    data: Uint8Array<ArrayBuffer>,
    timeout: number = DEFAULT_TIMEOUT_MS,
  ): Promise<{ readonly bytesWritten: number; readonly status: string }> {
    return this.#transfer('out', endpoint, async () => {
      await this.#throttle(data.length)
      // The package copies too: the caller may use its buffer again.
      await this.#appearance.out.put(data.slice(), timeout)
      return { bytesWritten: data.length, status: 'ok' }
    })
  }

  /** The cable was pulled or the terminal went: transfers under way fail. */
  vanish(): void {
    this.#present = false
    this.#appearance.in.end()
    this.#appearance.out.end()
  }

  async #transfer<T>(direction: 'in' | 'out', endpoint: number, run: () => Promise<T>): Promise<T> {
    const name = direction === 'in' ? 'transferIn' : 'transferOut'
    // The package opens the endpoint for each call, and a second one at the same time finds it taken.
    if (!this.#claimed || endpoint !== ENDPOINT || this.#busy.has(direction))
      throw new Error(`${name} error: endpoint not found`)
    this.#busy.add(direction)
    try {
      return await run()
    } catch (thrown) {
      if (thrown instanceof TransferFailure) throw new Error(`${name} error: ${thrown.kind}`)
      throw thrown
    } finally {
      this.#busy.delete(direction)
    }
  }

  #reach(what: string): void {
    if (!this.#present) throw new Error(`${what} error: failed to open device (errno 19)`)
    if (this.#appearance.link.denied) throw new Error(`${what} error: failed to open device (errno 13)`)
  }

  #interface(): UsbInterfaceInfo {
    const [interfaceClass, interfaceSubclass, interfaceProtocol] = this.#appearance.triple
    const packetSize = PACKET_BYTES[this.speed]
    const bulk = (direction: 'in' | 'out') =>
      ({ endpointNumber: ENDPOINT, direction, type: 'bulk', packetSize }) as const
    const alternate = { alternateSetting: 0, interfaceClass, interfaceSubclass, interfaceProtocol }
    return {
      interfaceNumber: INTERFACE,
      alternates: [{ ...alternate, endpoints: [bulk('in'), bulk('out')] }],
    }
  }

  /** The wire is shared by both directions. */
  async #throttle(bytes: number): Promise<void> {
    await this.#wire.pass(bytes, this.#appearance.link.latencyMs)
  }
}
