// A USB device as the `usb` package 3.1 presents one, quirks and all (its source; zte-domain §7), for tests of the adapter.
import type {
  UsbBackend,
  UsbConfigurationInfo,
  UsbConnectionEventLike,
  UsbDeviceLike,
} from '../src/main/io/usb/backend.ts'

export interface DoubleOptions {
  readonly vendorId?: number
  readonly productId?: number
  readonly bus?: string
  readonly ports?: readonly number[]
  readonly address?: number
  readonly serial?: string
  /** `class/subclass/protocol` of each interface; default one fastboot interface. */
  readonly interfaces?: readonly (readonly [number, number, number])[]
  readonly packetSize?: number
  readonly speed?: 'high' | 'super'
  /** Text that opening, and every getter that opens, throws. */
  readonly openError?: string
  readonly claimError?: string
  readonly detachError?: string
  /** Called with each OUT transfer; what it returns is sent back as one transfer each. */
  readonly onOut?: (data: Uint8Array) => readonly Uint8Array[]
}

type Pending = { readonly length: number; resolve(data: Uint8Array): void; reject(error: Error): void }

let nextAddress = 1

export class UsbDeviceDouble implements UsbDeviceLike {
  readonly vendorId: number
  readonly productId: number
  readonly #bus: string
  readonly ports: readonly number[]
  readonly address: number
  readonly speed: 'high' | 'super'
  /** Every call in order, to see what the adapter does. */
  readonly calls: string[] = []
  readonly #options: DoubleOptions
  readonly #claimed = new Set<number>()
  readonly #incoming: Uint8Array[] = []
  #opened = false
  #pending: Pending | undefined
  #outBusy = false
  #failure: string | undefined
  /** Stops OUT transfers from completing. */
  stuck = false

  constructor(options: DoubleOptions = {}) {
    this.#options = options
    this.speed = options.speed ?? 'high'
    this.vendorId = options.vendorId ?? 0x18d1
    this.productId = options.productId ?? 0xd00d
    this.#bus = options.bus ?? '001'
    this.ports = options.ports ?? [2, 3]
    this.address = options.address ?? nextAddress++
  }

  get handle(): string {
    this.#mayBorrow()
    return `DeviceId { bus: ${this.#bus}, addr: ${this.address} }`
  }

  get bus(): string {
    this.#mayBorrow()
    return this.#bus
  }

  get opened(): boolean {
    this.#mayBorrow()
    return this.#opened
  }

  get claims(): number {
    return this.#claimed.size
  }

  get serialNumber(): string | null {
    this.#mayOpen()
    return this.#options.serial ?? null
  }

  get productName(): string {
    this.#mayOpen()
    return 'Android'
  }

  get configuration(): UsbConfigurationInfo {
    this.#mayOpen()
    const packetSize = this.#options.packetSize ?? 512
    const interfaces = this.#options.interfaces ?? [[0xff, 0x42, 0x03]]
    return {
      configurationValue: 1,
      interfaces: interfaces.map(
        ([interfaceClass, interfaceSubclass, interfaceProtocol], interfaceNumber) => ({
          interfaceNumber,
          alternates: [
            {
              alternateSetting: 0,
              interfaceClass,
              interfaceSubclass,
              interfaceProtocol,
              endpoints: [
                { endpointNumber: 1 + interfaceNumber, direction: 'in', type: 'bulk', packetSize },
                { endpointNumber: 1 + interfaceNumber, direction: 'out', type: 'bulk', packetSize },
              ],
            },
          ],
        }),
      ),
    }
  }

  async open(): Promise<void> {
    this.calls.push('open')
    this.#mayBorrow()
    this.#mayOpen()
    this.#opened = true
  }

  /** Leaves interfaces claimed, as the package does. */
  async close(): Promise<void> {
    this.calls.push('close')
    this.#mayBorrow()
    this.#opened = false
  }

  async detachKernelDriver(interfaceNumber: number): Promise<void> {
    this.calls.push(`detach ${interfaceNumber}`)
    if (this.#options.detachError) throw new Error(this.#options.detachError)
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    this.calls.push(`claim ${interfaceNumber}`)
    if (this.#options.claimError) throw new Error(this.#options.claimError)
    if (this.#claimed.has(interfaceNumber))
      throw new Error('claimInterface error: interface is busy (errno 16)')
    this.#claimed.add(interfaceNumber)
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    this.calls.push(`release ${interfaceNumber}`)
    this.#mayBorrow()
    if (!this.#opened) throw new Error('releaseInterface error: invalid state')
    if (!this.#claimed.delete(interfaceNumber)) throw new Error('releaseInterface error: not claimed')
  }

  async transferIn(
    endpoint: number,
    length: number,
    timeout = 1000,
  ): Promise<{ data: DataView; status: string }> {
    this.calls.push(`in ${length}`)
    this.#check('transferIn', endpoint)
    if (this.#pending) throw new Error('transferIn error: endpoint not found')
    const arrived = await new Promise<Uint8Array>((resolve, reject) => {
      // What had arrived by then is lost.
      const timer = setTimeout(() => this.#end()?.reject(new Error('transferIn error: Cancelled')), timeout)
      const end =
        <T>(done: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer)
          done(value)
        }
      this.#pending = { length, resolve: end(resolve), reject: end(reject) }
      this.#deliver()
    })
    const copy = new Uint8Array(arrived.subarray(0, length))
    return { data: new DataView(copy.buffer), status: 'ok' }
  }

  async transferOut(
    endpoint: number,
    data: Uint8Array<ArrayBuffer>,
    timeout = 1000,
  ): Promise<{ bytesWritten: number; status: string }> {
    this.calls.push(`out ${data.length}`)
    this.#check('transferOut', endpoint)
    if (this.#outBusy) throw new Error('transferOut error: endpoint not found')
    this.#outBusy = true
    try {
      await new Promise((resolve) => setTimeout(resolve, this.stuck ? timeout : 0))
      if (this.stuck) throw new Error('transferOut error: Cancelled')
      this.#check('transferOut', endpoint)
      for (const reply of this.#options.onOut?.(data.slice()) ?? []) this.sendIn(reply)
      return { bytesWritten: data.length, status: 'ok' }
    } finally {
      this.#outBusy = false
    }
  }

  /** Seen with a real device: nothing of the device can be changed, or even asked for, while a transfer is under way. Which calls exactly
   * is the package's business; the adapter must get along with all of them. */
  #mayBorrow(): void {
    if (this.#pending || this.#outBusy)
      throw new Error('The same native value cannot be borrowed mutably while another borrow is active')
  }

  /** The device sends one transfer (which ends with a short packet or what the host asked for). */
  sendIn(data: Uint8Array): void {
    this.#incoming.push(data)
    this.#deliver()
  }

  /** Every transfer, running or to come, ends with this text. */
  fail(text: string): void {
    this.#failure = text
    this.#end()?.reject(new Error(`transferIn error: ${text}`))
  }

  #deliver(): void {
    const data = this.#incoming[0]
    if (!this.#pending || !data) return
    const { length } = this.#pending
    if (data.length > length) this.#incoming[0] = data.subarray(length)
    else this.#incoming.shift()
    this.#end()?.resolve(data.subarray(0, length))
  }

  #end(): Pending | undefined {
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }

  #check(call: string, endpoint: number): void {
    if (this.#failure) throw new Error(`${call} error: ${this.#failure}`)
    if (!this.#claimed.has(endpoint - 1)) throw new Error(`${call} error: endpoint not found`)
  }

  #mayOpen(): void {
    if (this.#options.openError) throw new Error(this.#options.openError)
  }
}

type Listener = (event: UsbConnectionEventLike) => void

export class UsbBackendDouble implements UsbBackend {
  readonly devices: UsbDeviceLike[]
  readonly listeners = { connect: new Set<Listener>(), disconnect: new Set<Listener>() }
  enumerations = 0

  constructor(...devices: UsbDeviceLike[]) {
    this.devices = devices
  }

  async getDevices(): Promise<readonly UsbDeviceLike[]> {
    this.enumerations += 1
    return [...this.devices]
  }

  addEventListener(type: 'connect' | 'disconnect', listener: Listener): void {
    this.listeners[type].add(listener)
  }

  removeEventListener(type: 'connect' | 'disconnect', listener: Listener): void {
    this.listeners[type].delete(listener)
  }

  plug(device: UsbDeviceLike): void {
    this.devices.push(device)
    for (const listener of this.listeners.connect) listener({ device })
  }

  unplug(device: UsbDeviceLike): void {
    this.devices.splice(this.devices.indexOf(device), 1)
    for (const listener of this.listeners.disconnect) listener({ device })
  }
}
