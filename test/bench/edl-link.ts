// The near end of a simulated USB link whose terminal has a thread of its own: what a host does to a device, over shared memory.
import { Worker } from 'node:worker_threads'
import type { UsbBackend, UsbConfigurationInfo, UsbDeviceLike } from '../../src/main/io/usb/backend.ts'
import type { Sha256 } from '../../src/shared/units.ts'
import type { UsbIdentity } from '../../src/simulator/profiles/types.ts'
import type { ProfileOrder } from './terminal-profile.ts'

export interface FarOrder extends ProfileOrder {
  /** What is written to the large partitions is not kept, so its size costs no memory. */
  readonly forgetful: boolean
  /** Of the link, either direction. */
  readonly bytesPerSecond: number
}

export interface FarStart extends FarOrder {
  /** The content of the one transfer to the terminal that can be under way. */
  readonly data: SharedArrayBuffer
}

/** How the terminal shows itself on the bus. */
export interface FarDescription {
  readonly identity: UsbIdentity
  /** Class, subclass, protocol of its one interface. */
  readonly triple: readonly [number, number, number]
}

export type FarRequest =
  | { readonly do: 'in' | 'out'; readonly transfer: FarTransfer }
  | { readonly do: 'spoil' | 'digest'; readonly partition: string }
  /** What the wire did since it was asked last. */
  | { readonly do: 'account' }

export interface FarTransfer {
  readonly length: number
  readonly timeout: number
  /** When the host handed it over, by {@link now}. */
  readonly at: number
}

/** How the wire spent its time. */
export interface WireAccount {
  /** Bytes to the terminal, commands included. */
  readonly bytes: number
  /** What they take at the speed of the link, ms. */
  readonly busyMs: number
  /** By which the terminal took data later than the link could have brought it, ms. */
  readonly lateMs: number
  /** From the last byte of a command, or of its data, to the terminal's response, ms. */
  readonly answeringMs: number
  /** The pauses between a piece of data that the terminal has and the next one that the host hands over, ms. */
  readonly pausesMs: readonly number[]
}

export interface FarValue {
  readonly written?: number
  readonly read?: Uint8Array<ArrayBuffer>
  readonly sha256?: Sha256
  readonly account?: WireAccount
}

export type FarMessage =
  | { readonly tell: 'ready'; readonly device: FarDescription }
  | { readonly tell: 'answer'; readonly call: number; readonly value: FarValue }
  | { readonly tell: 'failure'; readonly call: number; readonly words: string }

/** More than the product ever hands over at a time. */
const LARGEST_TRANSFER = 4 * 1024 * 1024

/** Milliseconds on a clock that all threads share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** A bus with one terminal on it. */
export class FarTerminal implements UsbBackend {
  readonly #worker: Worker
  readonly #data: Uint8Array<SharedArrayBuffer>
  readonly #calls = new Map<number, PromiseWithResolvers<FarValue>>()
  readonly #device = Promise.withResolvers<UsbDeviceLike>()
  #nextCall = 1

  private constructor(order: FarOrder) {
    const data = new SharedArrayBuffer(LARGEST_TRANSFER)
    this.#data = new Uint8Array(data)
    const workerData: FarStart = { ...order, data }
    this.#worker = new Worker(new URL('./edl-terminal-thread.ts', import.meta.url), { workerData })
    this.#worker.on('message', (message: FarMessage) => this.#hear(message))
    this.#worker.on('error', (error) => this.#fail(error))
  }

  /** A terminal that waits in EDL. */
  static async start(order: FarOrder): Promise<FarTerminal> {
    const terminal = new FarTerminal(order)
    await terminal.#device.promise
    return terminal
  }

  async getDevices(): Promise<readonly UsbDeviceLike[]> {
    return [await this.#device.promise]
  }

  /** It is there from the beginning, and nothing that is measured makes it leave. */
  addEventListener(): void {}

  removeEventListener(): void {}

  /** One sector of every mebibyte becomes another, as a partition with another build differs everywhere. */
  async spoil(partition: string): Promise<void> {
    await this.call({ do: 'spoil', partition })
  }

  async digest(partition: string): Promise<Sha256 | undefined> {
    return (await this.call({ do: 'digest', partition })).sha256
  }

  async account(): Promise<WireAccount> {
    const { account } = await this.call({ do: 'account' })
    if (account === undefined) throw new Error('the terminal keeps no account')
    return account
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  call(request: FarRequest): Promise<FarValue> {
    const call = this.#nextCall++
    const answer = Promise.withResolvers<FarValue>()
    this.#calls.set(call, answer)
    this.#worker.postMessage({ call, request })
    return answer.promise
  }

  put(data: Uint8Array<ArrayBuffer>): void {
    this.#data.set(data)
  }

  #hear(message: FarMessage): void {
    switch (message.tell) {
      case 'ready':
        this.#device.resolve(new FarDevice(this, message.device))
        return
      case 'answer':
        this.#settle(message.call)?.resolve(message.value)
        return
      case 'failure':
        this.#settle(message.call)?.reject(new Error(message.words))
    }
  }

  #settle(call: number): PromiseWithResolvers<FarValue> | undefined {
    const waiting = this.#calls.get(call)
    this.#calls.delete(call)
    return waiting
  }

  #fail(error: unknown): void {
    this.#device.reject(error)
    for (const { reject } of this.#calls.values()) reject(error)
  }
}

const [INTERFACE, ENDPOINT, PACKET] = [0, 1, 1024]

class FarDevice implements UsbDeviceLike {
  readonly vendorId: number
  readonly productId: number
  readonly bus = '1'
  readonly address = 1
  readonly ports = [2]
  readonly speed = 'super'
  readonly handle = 'the terminal of the EDL case'
  readonly productName: string
  readonly configuration: UsbConfigurationInfo
  readonly serialNumber = null
  readonly #terminal: FarTerminal
  #opened = false

  constructor(terminal: FarTerminal, { identity, triple }: FarDescription) {
    this.#terminal = terminal
    this.vendorId = identity.vendorId
    this.productId = identity.productId
    this.productName = identity.productName
    this.configuration = { configurationValue: 1, interfaces: [interfaceOf(triple)] }
  }

  get opened(): boolean {
    return this.#opened
  }

  async open(): Promise<void> {
    this.#opened = true
  }

  async close(): Promise<void> {
    this.#opened = false
  }

  async claimInterface(): Promise<void> {}

  async releaseInterface(): Promise<void> {}

  async detachKernelDriver(): Promise<void> {
    throw new Error('detachKernelDriver error: no kernel driver attached')
  }

  async transferIn(_endpoint: number, length: number, timeout: number) {
    const transfer = { length, timeout, at: now() }
    const { read = new Uint8Array(0) } = await this.#terminal.call({ do: 'in', transfer })
    return { data: new DataView(read.buffer, read.byteOffset, read.byteLength), status: 'ok' }
  }

  async transferOut(_endpoint: number, data: Uint8Array<ArrayBuffer>, timeout: number) {
    // The wire runs from here on: the copy stands for what the kernel does, and is not the product's.
    const transfer = { length: data.length, timeout, at: now() }
    this.#terminal.put(data)
    const { written = 0 } = await this.#terminal.call({ do: 'out', transfer })
    return { bytesWritten: written, status: 'ok' }
  }
}

function interfaceOf([interfaceClass, interfaceSubclass, interfaceProtocol]: FarDescription['triple']) {
  const bulk = (direction: 'in' | 'out') =>
    ({ endpointNumber: ENDPOINT, direction, type: 'bulk', packetSize: PACKET }) as const
  const endpoints = [bulk('in'), bulk('out')]
  const kind = { interfaceClass, interfaceSubclass, interfaceProtocol }
  return { interfaceNumber: INTERFACE, alternates: [{ alternateSetting: 0, ...kind, endpoints }] }
}
