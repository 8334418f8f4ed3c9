// The far end of edl-link.ts: a simulated terminal in EDL behind bulk pipes, in a thread of its own; the wire's speed and account.
import { setImmediate as turn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { missingCase } from '../../src/shared/missing-case.ts'
import { PostedReads } from '../../src/simulator/edl/bulk-link.ts'
import { simulatorRootOfTrust } from '../../src/simulator/make-images.ts'
import { randomBytes } from '../../src/simulator/randomness.ts'
import { SimulatedTerminal } from '../../src/simulator/terminal.ts'
import { inEdl } from '../../src/simulator/usb.ts'
import { PACKET_BYTES } from '../../src/simulator/usb-device.ts'
import { PacketPipe, TransferFailure } from '../../src/simulator/usb-pipes.ts'
import { benchStorage } from './bench-storage.ts'
import {
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
/** Used in turn: of what the host handed over last, the terminal may still hold a packet that it has not asked for. */
const arrivals = Array.from({ length: 4 }, () => new Uint8Array(order.data.byteLength))
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

const packet = PACKET_BYTES.super
const wire = new Wire()
const tell = (message: FarMessage, moved: readonly ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, [...moved])

const profile = terminalProfile(order)
const terminal = await SimulatedTerminal.create({
  profile,
  storage: benchStorage(profile, order),
  serial: 'BENCH001',
  keys: await simulatorRootOfTrust(),
})
await terminal.powerOn({ keys: 'edl' })

const [out, back] = [new PacketPipe(packet), new PacketPipe(packet)]
const reads = new PostedReads((bytes) => out.take(bytes, Number.POSITIVE_INFINITY), packet)
void terminal.edl.serve({
  packetBytes: packet,
  read: (bytes, into) => reads.read(bytes, into),
  write: (bytes) => back.put(bytes, Number.POSITIVE_INFINITY),
  gone: reads.gone,
  close: () => {
    for (const pipe of [out, back]) pipe.end()
  },
})
parentPort?.on('message', ({ call, request }: { call: number; request: FarRequest }) => {
  answer(request).then(
    (value) => tell({ tell: 'answer', call, value }, value.read === undefined ? [] : [value.read.buffer]),
    (error: unknown) => tell({ tell: 'failure', call, words: failureOf(request, error) }),
  )
})
tell({ tell: 'ready', device: inEdl(terminal, profile.usb.rom) })

async function answer(request: FarRequest): Promise<FarValue> {
  switch (request.do) {
    case 'in':
      return await transferIn(request.transfer)
    case 'out':
      return await transferOut(request.transfer)
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

async function transferIn({ length, timeout }: FarTransfer): Promise<FarValue> {
  // In memory of its own, which goes to the other thread.
  const read = (await back.take(length, timeout)).slice()
  wire.said(read)
  return { read }
}

/** In the words of the `usb` package. */
function failureOf(request: FarRequest, error: unknown): string {
  if (error instanceof TransferFailure)
    return `${request.do === 'in' ? 'transferIn' : 'transferOut'} error: ${error.kind}`
  return error instanceof Error ? error.message : String(error)
}

let turns = 0

async function transferOut(transfer: FarTransfer): Promise<FarValue> {
  const { length, timeout } = transfer
  const content = arrivals[turns++ % arrivals.length]?.subarray(0, length) ?? new Uint8Array(0)
  content.set(shared.subarray(0, length))
  await wire.out(transfer, out.put(content, timeout))
  return { written: length }
}

async function spoil(partition: string): Promise<void> {
  const size = profile.partitions.find(({ name }) => partition.replace(/_[ab]$/, '') === name)?.size ?? 0
  for (let at = 0; at < size; at += MIB)
    await terminal.writePartitionRaw(partition, randomBytes(`spoilt at ${now()}`, SECTOR), at)
}
