// Bulk pipes of one USB device through the `usb` package, with everything that package leaves to its caller (zte-domain §7).
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { underDeadline } from '../../../shared/waiting.ts'
import type { PacketLink, Transport } from '../../protocols/transport.ts'
import type { UsbDeviceLike } from './backend.ts'
import { classifyUsbError } from './usb-errors.ts'
import { heldByProgram } from './usb-holder.ts'
import { type BulkPipes, bulkPipes, type UsbProtocol, usbBay } from './usb-identity.ts'

/** What AOSP fastboot writes at a time, and what usbfs takes without fuss. */
const MAX_TRANSFER = 1024 * 1024
/** Between two transfers the wire rests until this program has heard of the end of the first, a tenth of a millisecond and more. At
 * SuperSpeed that is felt with a mebibyte, which takes no more than three milliseconds; and every SuperSpeed controller takes such
 * transfers in scattered memory (xHCI). */
const LARGE_TRANSFER = 4 * 1024 * 1024
/** So many at a time, of all devices: what is under way of all programs together may not exceed 16 MiB (Linux, usbfs_memory_mb). */
const MOST_LARGE = 2
/** The package counts time-outs in an unsigned 32-bit number of milliseconds. */
const MAX_TIMEOUT_MS = 0x7fff_ffff
/** Zero-length packets mean nothing on the way in; nothing but them is no terminal. */
const MAX_EMPTY_READS = 1_000
/** A read that nobody waits for any more holds the interface; whoever closes does not wait longer for it, whoever opens next does. */
const CLOSE_PATIENCE_MS = 250

export interface UsbTransportOptions extends IoOptions {
  /** Called once when a transfer shows that the device is away: that is known before the hot-plug event. */
  readonly onGone?: () => void
}

/** Opens the device, frees the interface of that protocol from any kernel driver and claims it.
 * @throws SlotbenchError `usb-permission`, `usb-busy`, `usb-failed`, `terminal-gone`, `terminal-wrong-mode`. */
export async function openUsb(
  device: UsbDeviceLike,
  protocol: UsbProtocol,
  o: UsbTransportOptions,
): Promise<Transport> {
  await earlierEnded(device, o)
  const bay = usbBay(device)
  const opening = claim(device, protocol)
  try {
    const late = () => new SlotbenchError('terminal-silent', 'the device could not be opened in time')
    return new UsbTransport(device, await underDeadline(opening, o, late), o.onGone)
  } catch (thrown) {
    // The package cannot be interrupted: what it finishes after all is undone then.
    opening.then((pipes) => release(device, pipes.interfaceNumber)).catch(() => undefined)
    const error = classifyUsbError(thrown, bay)
    if (error.code === 'terminal-gone') o.onGone?.()
    throw error
  }
}

/** Transfers that outlived their transport, by device. They cannot be cancelled, and until they end the package lets nothing else be
 * done with the device ("cannot be borrowed mutably while another borrow is active"). */
const endings = new WeakMap<UsbDeviceLike, Promise<void>>()

/** @throws SlotbenchError `usb-busy` when an earlier connection does not end in time, or is open. */
async function earlierEnded(device: UsbDeviceLike, o: IoOptions): Promise<void> {
  const busy = (why: string) => new SlotbenchError('usb-busy', why)
  const ending = endings.get(device)
  if (ending) await underDeadline(ending, o, () => busy('an earlier transfer of Slotbench has not ended yet'))
  if (isOpen(device)) throw busy('Slotbench itself has this device open')
}

function isOpen(device: UsbDeviceLike): boolean {
  try {
    return device.opened
  } catch (thrown) {
    throw classifyUsbError(thrown)
  }
}

async function claim(device: UsbDeviceLike, protocol: UsbProtocol): Promise<BulkPipes> {
  await device.open()
  try {
    const pipes = bulkPipes(device.configuration?.interfaces ?? [], protocol)
    if (!pipes)
      throw new SlotbenchError(
        'terminal-wrong-mode',
        `the device has no ${protocol} interface with two bulk pipes`,
      )
    if (await heldByProgram(device, pipes.interfaceNumber))
      throw new SlotbenchError('usb-busy', 'another program holds the interface')
    try {
      await device.detachKernelDriver(pipes.interfaceNumber)
    } catch {
      // No driver was attached, or the system has no such thing (all but Linux).
    }
    await device.claimInterface(pipes.interfaceNumber)
    return pipes
  } catch (thrown) {
    await device.close().catch(() => undefined)
    throw thrown
  }
}

/** `close()` alone keeps interfaces claimed. */
async function release(device: UsbDeviceLike, interfaceNumber: number): Promise<void> {
  await device.releaseInterface(interfaceNumber).catch(() => undefined)
  await device.close().catch(() => undefined)
}

let largeUnderWay = 0

class UsbTransport implements Transport {
  readonly packets: PacketLink
  readonly #device: UsbDeviceLike
  readonly #pipes: BulkPipes
  /** Read while nothing is under way: during a transfer the package may refuse even that. */
  readonly #bay: string
  readonly #onGone: (() => void) | undefined
  /** SuperSpeed or more. */
  readonly #isFast: boolean
  /** The read that is under way. It cannot be cancelled, so what it brings belongs to whoever receives next. */
  #reading: Promise<Uint8Array<ArrayBuffer>> | undefined
  /** The package does one transfer per endpoint at a time. */
  #writing: Promise<unknown> = Promise.resolve()
  #surplus: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #broken: SlotbenchError | undefined
  #closed: Promise<void> | undefined

  constructor(device: UsbDeviceLike, pipes: BulkPipes, onGone: (() => void) | undefined) {
    this.#device = device
    this.#pipes = pipes
    this.#bay = usbBay(device)
    this.#onGone = onGone
    this.#isFast = device.speed === 'super' || device.speed === 'superPlus'
    this.packets = {
      size: pipes.output.packetSize,
      sendEmpty: (o) => this.#write(new Uint8Array(0), o),
    }
  }

  async send(data: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    const step = this.#isFast ? LARGE_TRANSFER : MAX_TRANSFER
    for (let from = 0; from < data.length; from += step) {
      const transfers = [this.#write(data.subarray(from, from + step), o)]
      const isLast = from + step >= data.length
      // Queued at once: whatever is sent next must not come in between.
      if (isLast && this.#endsWithEmptyPacket(data.length)) transfers.push(this.#write(new Uint8Array(0), o))
      await Promise.all(transfers)
    }
  }

  async receive(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    for (let empty = 0; this.#surplus.length === 0; empty++) {
      if (this.#broken) throw this.#broken
      if (empty > MAX_EMPTY_READS)
        throw new SlotbenchError('terminal-garbled', 'the terminal sends nothing but empty packets')
      this.#surplus = await this.#read(maxBytes, o)
    }
    const arrived = this.#surplus
    this.#surplus = arrived.subarray(maxBytes)
    // In memory of its own: the consumer may hand it to another thread.
    return arrived.length <= maxBytes ? arrived : arrived.slice(0, maxBytes)
  }

  async close(): Promise<void> {
    this.#closed ??= this.#shut()
    await this.#closed
  }

  /** adbd waits for the end of a transfer, which full packets alone do not tell (AOSP adb usb_linux.cpp, zero_mask);
   * fastboot knows its lengths and takes empty packets for nothing. */
  #endsWithEmptyPacket(length: number): boolean {
    const { protocol, output } = this.#pipes
    return protocol === 'adb' && length > 0 && length % output.packetSize === 0
  }

  async #write(data: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    const transfer = this.#writing.then(async () => {
      if (data.length <= MAX_TRANSFER) return await this.#transfer(data, o)
      if (largeUnderWay < MOST_LARGE) return await this.#transferLarge(data, o)
      for (let from = 0; from < data.length; from += MAX_TRANSFER)
        await this.#transfer(data.subarray(from, from + MAX_TRANSFER), o)
    })
    this.#writing = transfer.catch(() => undefined)
    try {
      await underDeadline(transfer, o, () => silent('the terminal does not take the data'))
    } catch (thrown) {
      // How much of it arrived is unknown: nothing may follow on this pipe.
      throw this.#break(thrown)
    }
  }

  async #transferLarge(data: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    largeUnderWay += 1
    try {
      await this.#transfer(data, o)
    } finally {
      largeUnderWay -= 1
    }
  }

  async #transfer(data: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    if (this.#broken) throw this.#broken
    const done = await this.#device.transferOut(this.#pipes.output.endpointNumber, data, timeoutOf(o))
    if (done.bytesWritten !== data.length)
      throw new SlotbenchError('usb-failed', `only ${done.bytesWritten} of ${data.length} bytes were taken`)
  }

  /** One long read, no polling: a read that times out loses what had arrived. */
  async #read(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    while (!o.deadline.expired) {
      if (this.#broken) throw this.#broken
      this.#reading ??= this.#startRead(maxBytes, o)
      try {
        const bytes = await underDeadline(this.#reading, o, () => silent('no answer came in time'))
        this.#reading = undefined
        return bytes
      } catch (thrown) {
        const error = classifyUsbError(thrown)
        if (error.code === 'cancelled') throw error
        if (error.code !== 'terminal-silent') throw this.#break(error)
        // Either this deadline has passed, or a shorter one that an earlier caller had given the read.
        if (o.deadline.expired) throw error
      }
    }
    throw silent('no answer came in time')
  }

  #startRead(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { endpointNumber, packetSize } = this.#pipes.input
    // The package cuts off what exceeds the length asked for, and rounds it up to packets only for the wire.
    const length = Math.min(Math.ceil(maxBytes / packetSize) * packetSize, MAX_TRANSFER)
    const read = this.#device.transferIn(endpointNumber, length, timeoutOf(o)).then(
      ({ data }) => (data ? bytesOf(data) : new Uint8Array(0)),
      (thrown: unknown) => {
        this.#reading = undefined
        throw thrown
      },
    )
    read.catch(() => undefined)
    return read
  }

  #break(thrown: unknown): SlotbenchError {
    const error = classifyUsbError(thrown, this.#bay)
    this.#broken ??= error
    if (error.code === 'terminal-gone') this.#onGone?.()
    return error
  }

  async #shut(): Promise<void> {
    this.#broken ??= new SlotbenchError('terminal-gone', 'the connection was closed here')
    const idle = Promise.allSettled([this.#reading, this.#writing])
    const device = this.#device
    const ending = idle.then(() => release(device, this.#pipes.interfaceNumber))
    endings.set(device, ending)
    const { promise: patience, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, CLOSE_PATIENCE_MS)
    await Promise.race([ending, patience])
    clearTimeout(timer)
  }
}

function timeoutOf(o: IoOptions): number {
  return Math.max(1, Math.min(Math.ceil(o.deadline.remainingMs), MAX_TIMEOUT_MS))
}

function bytesOf(view: DataView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength)
}

function silent(detail: string): SlotbenchError {
  return new SlotbenchError('terminal-silent', detail)
}
