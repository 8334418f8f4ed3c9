// The far end of edl-link.ts: a simulated terminal in EDL on a simulated bus, in a thread of its own; the wire's speed and account.
import { setImmediate as turn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { UsbDeviceLike } from '../../src/main/io/usb/backend.ts'
import { missingCase } from '../../src/shared/missing-case.ts'
import { simulatorRootOfTrust } from '../../src/simulator/make-images.ts'
import { randomBytes } from '../../src/simulator/randomness.ts'
import { SimulatedTerminal } from '../../src/simulator/terminal.ts'
import { SimulatedBench } from '../../src/simulator/usb.ts'
import { benchStorage } from './bench-storage.ts'
import {
  type FarDescription,
  type FarMessage,
  type FarRequest,
  type FarStart,
  type FarTransfer,
  type FarValue,
  now,
  type WireAccount,
} from './edl-link.ts'
import { terminalProfile } from './terminal-profile.ts'

const MIB = 1024 * 1024
const SECTOR = 4096
/** What is shorter is a command. */
const LEAST_DATA = 64 * 1024
/** Timers are late; what is left of a wait after this is waited for by looking at the clock. */
const SPIN_MS = 0.2

const order = workerData as FarStart
const shared = new Uint8Array(order.data)
const staging = new Uint8Array(order.data.byteLength)
const parked = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** One after the other over a cable of the wanted speed, and where the time went. */
class Wire {
  #freeAt = 0
  #bytes = 0
  #busyMs = 0
  #lateMs = 0
  #answeringMs = 0
  #asked: number | undefined
  #pausesMs: number[] = []
  /** Data came last, and nothing was said since. */
  #streaming = false

  /** @param taken resolves when the terminal has all of it. */
  async out({ length, at }: FarTransfer, taken: Promise<unknown>): Promise<void> {
    const data = length >= LEAST_DATA
    if (data && this.#streaming) this.#pausesMs.push(at - this.#freeAt)
    this.#streaming = data
    this.#asked = undefined
    const needs = (length / order.bytesPerSecond) * 1000
    const end = Math.max(at, this.#freeAt) + needs
    await taken
    // What the terminal does with it is done before this thread sleeps.
    await turn()
    // At a command the terminal works on its answer by now.
    if (data) this.#lateMs += Math.max(0, now() - end)
    waitUntil(end)
    this.#bytes += length
    this.#busyMs += needs
    this.#freeAt = data ? now() : end
    this.#asked = this.#freeAt
  }

  /** The terminal goes on answering until its response. */
  said(words: Uint8Array): void {
    this.#streaming = false
    const until = now()
    if (this.#asked !== undefined) this.#answeringMs += until - this.#asked
    this.#asked = Buffer.from(words).includes('<response ') ? undefined : this.#asked && until
  }

  settle(): WireAccount {
    const account = {
      ...{ bytes: this.#bytes, busyMs: this.#busyMs, lateMs: this.#lateMs },
      ...{ answeringMs: this.#answeringMs, pausesMs: this.#pausesMs },
    }
    this.#pausesMs = []
    this.#bytes = this.#busyMs = this.#lateMs = this.#answeringMs = 0
    return account
  }
}

function waitUntil(end: number): void {
  const left = end - now() - SPIN_MS
  if (left > 0) Atomics.wait(parked, 0, 0, left)
  while (now() < end);
}

const wire = new Wire()
const bus = new SimulatedBench()
const devices = new Map<string, UsbDeviceLike>()
const tell = (message: FarMessage, moved: readonly ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, [...moved])

bus.addEventListener('connect', ({ device }) => {
  devices.set(device.handle, device)
  tell({ tell: 'connect', device: described(device) })
})
bus.addEventListener('disconnect', ({ device }) => tell({ tell: 'disconnect', handle: device.handle }))

const profile = terminalProfile(order)
const terminal = await SimulatedTerminal.create({
  profile,
  storage: benchStorage(profile, order),
  serial: 'BENCH001',
  keys: await simulatorRootOfTrust(),
})
bus.plug(terminal, { bus: '1', ports: [2] })
await terminal.powerOn({ keys: 'edl' })
parentPort?.on('message', ({ call, request }: { call: number; request: FarRequest }) => {
  answer(request).then(
    (value) => tell({ tell: 'answer', call, value }, value.read === undefined ? [] : [value.read.buffer]),
    (error: unknown) =>
      tell({ tell: 'failure', call, words: error instanceof Error ? error.message : String(error) }),
  )
})
tell({ tell: 'ready' })

async function answer(request: FarRequest): Promise<FarValue> {
  switch (request.do) {
    case 'open':
      await deviceOf(request).open()
      return {}
    case 'close':
      await deviceOf(request).close()
      return {}
    case 'claim':
      await deviceOf(request).claimInterface(request.number)
      return {}
    case 'release':
      await deviceOf(request).releaseInterface(request.number)
      return {}
    case 'detach':
      await deviceOf(request).detachKernelDriver(request.number)
      return {}
    case 'in':
      return await transferIn(deviceOf(request), request.transfer)
    case 'out':
      return await transferOut(deviceOf(request), request.transfer)
    case 'spoil':
      await spoil(request.partition)
      return {}
    case 'digest':
      return { sha256: await terminal.partitionDigest(request.partition) }
    case 'account':
      return { account: wire.settle() }
    default:
      return missingCase(request)
  }
}

async function transferIn(device: UsbDeviceLike, transfer: FarTransfer): Promise<FarValue> {
  const { data } = await device.transferIn(transfer.endpoint, transfer.length, transfer.timeout)
  if (data === undefined) return {}
  // In memory of its own, which goes to the other thread.
  const read = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  wire.said(read)
  return { read }
}

async function transferOut(device: UsbDeviceLike, transfer: FarTransfer): Promise<FarValue> {
  const { endpoint, length, timeout } = transfer
  const content = staging.subarray(0, length)
  content.set(shared.subarray(0, length))
  const taken = device.transferOut(endpoint, content, timeout)
  await wire.out(transfer, taken)
  return { written: (await taken).bytesWritten }
}

async function spoil(partition: string): Promise<void> {
  const size = profile.partitions.find(({ name }) => partition.replace(/_[ab]$/, '') === name)?.size ?? 0
  for (let at = 0; at < size; at += MIB)
    await terminal.writePartitionRaw(partition, randomBytes(`spoilt at ${now()}`, SECTOR), at)
}

function deviceOf({ handle }: { readonly handle: string }): UsbDeviceLike {
  const device = devices.get(handle)
  if (device === undefined) throw new Error(`there is no ${handle}`)
  return device
}

function described(device: UsbDeviceLike): FarDescription {
  const { vendorId, productId, bus, address, ports, handle, configuration, productName } = device
  const speed = device.speed ?? 'super'
  if (configuration == null || speed === 'low' || speed === 'superPlus')
    throw new Error('a device that this link cannot show')
  return {
    vendorId,
    productId,
    bus,
    address,
    ports,
    speed,
    handle,
    productName: productName ?? '',
    configuration,
  }
}
